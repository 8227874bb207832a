#include "data/html_text.h"

#include <algorithm>

#include "data/html_boilerplate.h"
#include "data/text.h"

namespace gradus {

namespace {

constexpr size_t longest_cell = 800;  // a cell with more text than that arranges the page
constexpr size_t deepest_indent = 16;
constexpr std::string_view no_break_space = "\xC2\xA0";

class Writer {
public:
    std::string text;

    // Ask for the end of the line (1) or a blank line (2) before whatever comes next. Inside a row both are a space.
    void end_line(int newlines) {
        if (rows_ > 0) space_ = true;
        else newlines_ = std::max(newlines_, newlines);
    }

    void collapsed(std::string_view part) {
        for (size_t i = 0; i < part.size();) {
            if (is_space(part[i])) {
                space_ = true, ++i;
            } else if (part.substr(i, 2) == no_break_space) {
                space_ = true, i += 2;
            } else {
                size_t end = i;
                while (end < part.size() && !is_space(part[end]) && part[end] != no_break_space[0]) ++end;
                end = std::max(end, i + 1);
                while (end < part.size() && (uint8_t(part[end]) & 0xC0) == 0x80) ++end;
                start();
                text += part.substr(i, end - i);
                i = end;
            }
        }
    }

    void verbatim(std::string_view part) {
        if (part.empty()) return;
        space_ = false;
        if (newlines_ > 0) start_line();
        text += part;
    }

    // Takes the white space at the end away; of an open row nothing before it.
    void trim_end() {
        const size_t kept = rows_ > 0 ? row_at_ : 0;
        while (text.size() > kept && is_space(text.back())) text.pop_back();
    }

    void open_item(std::string marker, size_t depth) {
        end_line(1);
        marker_ = std::string(2 * std::min(depth, deepest_indent), ' ') + std::move(marker);
    }
    void close_item() { marker_.clear(), end_line(1); }
    void indent(size_t depth) { indent_ = 2 * std::min(depth, deepest_indent); }

    void open_row() {
        end_line(1);
        if (rows_++ > 0) return;
        if (newlines_ > 0) start_line();
        row_at_ = text.size();
        cells_ = 0;
    }
    void open_cell() {
        if (rows_ != 1) return;
        if (cells_++ > 0) text += " | ";
        space_ = false;
        cell_starts_ = true;
    }
    void close_row() {
        if (--rows_ > 0) return;
        if (text.find_first_not_of(" |", row_at_) == std::string::npos) text.resize(row_at_);
        space_ = cell_starts_ = false;
        if (text.size() > row_at_) end_line(1);
    }

private:
    void start_line() {
        while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
        if (!text.empty()) {
            int have = 0;
            while (have < 2 && size_t(have) < text.size() && text[text.size() - 1 - size_t(have)] == '\n') ++have;
            text.append(size_t(std::max(0, newlines_ - have)), '\n');
        }
        newlines_ = 0;
    }

    void start() {
        const bool line_starts = newlines_ > 0 || text.empty() || text.back() == '\n';
        if (newlines_ > 0) start_line();
        if (line_starts && rows_ == 0) {
            text += marker_.empty() ? std::string(indent_, ' ') : marker_;
            marker_.clear();
        } else if (space_ && !cell_starts_ && !text.empty() && text.back() != '\n') {
            text += ' ';
        }
        space_ = cell_starts_ = false;
    }

    int newlines_ = 0;
    bool space_ = false;
    std::string marker_;
    size_t indent_ = 0;
    int rows_ = 0;  // open rows: a row inside a row is part of it
    size_t row_at_ = 0;
    int cells_ = 0;
    bool cell_starts_ = false;
};

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
            default:
                if (is_block(page_.tag(i))) writer_.end_line(block_gap());
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
            default:
                if (is_block(page_.tag(i))) writer_.end_line(block_gap());
        }
    }

    // A cell with nothing but a picture is decoration: the light bulb beside a note.
    bool is_picture_cell(int i) const {
        if (page_.tag(i) != GUMBO_TAG_TD && page_.tag(i) != GUMBO_TAG_TH) return false;
        bool picture = false;
        for (int k = i + 1; k < page_.end(i); ++k) {
            if (page_.is_text(k) && !trimmed(page_.text(k)).empty()) return false;
            picture = picture || page_.tag(k) == GUMBO_TAG_IMG;
        }
        return picture;
    }

    // A table of data has two columns or more and cells of plain text.
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
    Writer writer_;
    std::vector<List> lists_;
    std::vector<bool> tables_;  // open ones: does it hold data?
    int preformatted_ = 0;
    bool pre_starts_ = false;
};

}  // namespace

std::string html_text(const HtmlTree& page, int root, const std::vector<bool>& dropped) {
    return Renderer(page, dropped).run(root);
}

}  // namespace gradus
