#include "data/html_text.h"

#include <algorithm>

#include "data/html_boilerplate.h"
#include "data/html_formula.h"
#include "data/html_scripts.h"
#include "data/html_writer.h"
#include "data/text.h"

namespace gradus {

namespace {

constexpr size_t longest_cell = 800;  // a cell with more text is part of a layout table
constexpr int nodes_of_ruby = 64;     // searched for parentheses
constexpr int deepest_script = 8;     // nested scripts; deeper ones are plain text

class Renderer {
public:
    Renderer(const HtmlTree& page, const std::vector<bool>& dropped) : page_(page), dropped_(dropped) {}

    std::string run(int root) {
        std::vector<int> open;
        for (int i = root; i < page_.end(root);) {
            while (!open.empty() && page_.end(open.back()) <= i) leave(open.back()), open.pop_back();
            if (dropped_[size_t(i)] || is_picture_cell(i)) {
                i = page_.end(i);
                continue;
            }
            if (page_.is_element(i) && write_at_once(i)) {
                i = page_.end(i);
                continue;
            }
            if (page_.is_element(i)) {
                enter(i);
                open.push_back(i);
            } else if (page_.is_text(i)) {
                if (preformatted_ > 0) write_preformatted(page_.text(i));
                else writer_.collapsed(page_.text(i));
            }
            ++i;
        }
        while (!open.empty()) leave(open.back()), open.pop_back();
        std::string& text = writer_.text;
        while (!text.empty() && is_space(text.back())) text.pop_back();
        if (!text.empty()) text += '\n';
        return std::move(text);
    }

private:
    struct List {
        bool ordered;
        int64_t next;
    };

    void write_preformatted(std::string_view part) {
        if (pre_starts_ && !part.empty() && part[0] == '\n') part.remove_prefix(1);
        pre_starts_ = pre_starts_ && part.empty();
        writer_.verbatim(part);
    }

    void write(std::string_view part) { preformatted_ > 0 ? writer_.verbatim(part) : writer_.collapsed(part); }

    // Formulas, superscripts and subscripts: their text depends on all of their content.
    bool write_at_once(int i) {
        if (is_formula(page_, i)) {
            write(formula_text(page_, i));
            return true;
        }
        const GumboTag tag = page_.tag(i);
        if ((tag != GUMBO_TAG_SUP && tag != GUMBO_TAG_SUB) || i < plain_scripts_until_) return false;
        const std::string content = script_content(i, 0);
        if (content.empty()) return true;
        if (holds_block(i)) {
            plain_scripts_until_ = page_.end(i);
            return false;
        }
        write(script_text(tag == GUMBO_TAG_SUP ? Script::super : Script::sub, content, writer_.before(), is_note(i)));
        return true;
    }

    std::string script_content(int element, int depth) const {
        std::string text;
        for (int i = element + 1; i < page_.end(element);) {
            const GumboTag tag = page_.tag(i);
            if (dropped_[size_t(i)]) {
                i = page_.end(i);
            } else if (is_formula(page_, i)) {
                text += formula_text(page_, i);
                i = page_.end(i);
            } else if ((tag == GUMBO_TAG_SUP || tag == GUMBO_TAG_SUB) && depth < deepest_script) {
                const std::string_view before = text.empty() || is_space(text.back()) ? std::string_view() : text;
                text += script_text(tag == GUMBO_TAG_SUP ? Script::super : Script::sub, script_content(i, depth + 1),
                                    before, is_note(i));
                i = page_.end(i);
            } else {
                text += page_.text(i++);
            }
        }
        return with_single_spaces(text);
    }

    bool holds_block(int element) const {
        for (int i = element + 1; i < page_.end(element); ++i)
            if (is_block(page_, i) || page_.tag(i) == GUMBO_TAG_BR) return true;
        return false;
    }

    // A script whose entire text is a link within this page.
    bool is_note(int element) const {
        auto is_link = [&](int i) {
            return page_.tag(i) == GUMBO_TAG_A && page_.attribute(i, "href").starts_with("#");
        };
        if (page_.parent(element) >= 0 && is_link(page_.parent(element))) return true;
        bool linked = false;
        for (int i = element + 1; i < page_.end(element); i = is_link(i) ? page_.end(i) : i + 1) {
            linked = linked || is_link(i);
            if (page_.text(i).find_first_not_of("[](), \t\n") != std::string_view::npos) return false;
        }
        return linked;
    }

    // If there is an <rp>, it already has the parentheses.
    bool needs_parentheses(int annotation) const {
        const int ruby = page_.parent(annotation);
        if (ruby < 0) return false;
        for (int i = ruby + 1; i < page_.end(ruby) && i < ruby + nodes_of_ruby; i = page_.end(i))
            if (page_.tag(i) == GUMBO_TAG_RP) return false;
        return page_.tag(ruby) == GUMBO_TAG_RUBY;
    }

    int block_gap() const { return lists_.empty() ? 2 : 1; }

    void enter(int i) {
        switch (page_.tag(i)) {
            case GUMBO_TAG_BR:
                if (preformatted_ > 0) writer_.verbatim("\n");
                else writer_.end_line(1);
                return;
            case GUMBO_TAG_UL:
            case GUMBO_TAG_OL: {
                writer_.end_line(block_gap());
                const bool ordered = page_.tag(i) == GUMBO_TAG_OL;
                const std::string start(page_.attribute(i, "start").substr(0, 9));
                lists_.push_back({ordered, ordered && !start.empty() ? std::atoll(start.c_str()) : 1});
                writer_.indent(lists_.size());
                return;
            }
            case GUMBO_TAG_LI: {
                const bool ordered = !lists_.empty() && lists_.back().ordered;
                const std::string marker = ordered ? std::to_string(lists_.back().next++) + ". " : "- ";
                writer_.open_item(marker, lists_.empty() ? 0 : lists_.size() - 1);
                return;
            }
            case GUMBO_TAG_DT: writer_.end_line(block_gap()); return;
            case GUMBO_TAG_DD: writer_.end_line(1); return;
            case GUMBO_TAG_TABLE:
                writer_.end_line(block_gap());
                tables_.push_back(holds_data(i));
                return;
            case GUMBO_TAG_TR:
                tables_.empty() || !tables_.back() ? writer_.end_line(block_gap()) : writer_.open_row();
                return;
            case GUMBO_TAG_TD:
            case GUMBO_TAG_TH:
                tables_.empty() || !tables_.back() ? writer_.end_line(block_gap()) : writer_.open_cell();
                return;
            case GUMBO_TAG_PRE:
            case GUMBO_TAG_LISTING:
            case GUMBO_TAG_XMP:
                writer_.end_line(2);
                ++preformatted_;
                pre_starts_ = true;
                return;
            case GUMBO_TAG_Q: write(quotes_++ % 2 == 0 ? "“" : "‘"); return;
            case GUMBO_TAG_RT:
                if (needs_parentheses(i)) write("(");
                return;
            default:
                if (is_block(page_, i)) writer_.end_line(block_gap());
        }
    }

    void leave(int i) {
        switch (page_.tag(i)) {
            case GUMBO_TAG_UL:
            case GUMBO_TAG_OL:
                lists_.pop_back();
                writer_.indent(lists_.size());
                writer_.end_line(block_gap());
                return;
            case GUMBO_TAG_LI: writer_.close_item(); return;
            case GUMBO_TAG_TABLE:
                tables_.pop_back();
                writer_.end_line(block_gap());
                return;
            case GUMBO_TAG_TR:
                tables_.empty() || !tables_.back() ? writer_.end_line(block_gap()) : writer_.close_row();
                return;
            case GUMBO_TAG_PRE:
            case GUMBO_TAG_LISTING:
            case GUMBO_TAG_XMP:
                --preformatted_;
                writer_.trim_end();
                writer_.end_line(2);
                return;
            case GUMBO_TAG_DD: writer_.end_line(1); return;
            case GUMBO_TAG_DT: writer_.end_line(1); return;
            case GUMBO_TAG_TD:
            case GUMBO_TAG_TH: return;
            case GUMBO_TAG_BR: return;
            case GUMBO_TAG_Q: writer_.attached(--quotes_ % 2 == 0 ? "”" : "’"); return;
            case GUMBO_TAG_RT:
                if (needs_parentheses(i)) writer_.attached(")");
                return;
            default:
                if (is_block(page_, i)) writer_.end_line(block_gap());
        }
    }

    // A cell with only a picture is decoration, such as the light bulb next to a note.
    bool is_picture_cell(int i) const {
        if (page_.tag(i) != GUMBO_TAG_TD && page_.tag(i) != GUMBO_TAG_TH) return false;
        bool picture = false;
        for (int k = i + 1; k < page_.end(i); ++k) {
            if (page_.is_text(k) && !trimmed(page_.text(k)).empty()) return false;
            picture = picture || page_.tag(k) == GUMBO_TAG_IMG;
        }
        return picture;
    }

    // A data table has at least two columns and cells of plain text.
    bool holds_data(int table) const {
        if (page_.attribute(table, "role") == "presentation") return false;
        int cells = 0, rows = 0;
        size_t in_cell = 0;
        for (int i = table + 1; i < page_.end(table);) {
            if (dropped_[size_t(i)] || is_picture_cell(i)) {
                i = page_.end(i);
                continue;
            }
            switch (page_.tag(i)) {
                case GUMBO_TAG_TABLE:
                case GUMBO_TAG_PRE:
                case GUMBO_TAG_LISTING:
                case GUMBO_TAG_XMP:
                case GUMBO_TAG_UL:
                case GUMBO_TAG_OL:
                case GUMBO_TAG_H1:
                case GUMBO_TAG_H2:
                case GUMBO_TAG_H3:
                case GUMBO_TAG_H4:
                case GUMBO_TAG_BLOCKQUOTE: return false;
                case GUMBO_TAG_TR: ++rows; break;
                case GUMBO_TAG_TD:
                case GUMBO_TAG_TH: ++cells, in_cell = 0; break;
                default: in_cell += page_.text(i).size();
            }
            if (in_cell > longest_cell) return false;
            ++i;
        }
        return cells > rows;
    }

    const HtmlTree& page_;
    const std::vector<bool>& dropped_;
    TextWriter writer_;
    std::vector<List> lists_;
    std::vector<bool> tables_;  // open tables: is it a data table?
    int preformatted_ = 0;
    int quotes_ = 0;
    int plain_scripts_until_ = 0;  // inside a script that contains blocks
    bool pre_starts_ = false;
};

}  // namespace

std::string html_text(const HtmlTree& page, int root, const std::vector<bool>& dropped) {
    return Renderer(page, dropped).run(root);
}

}  // namespace gradus
