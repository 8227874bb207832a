#include "data/html_tree.h"

#include <algorithm>
#include <unordered_map>

#include "data/html_memory.h"
#include "data/text.h"
#include "data/xhtml.h"

namespace gradus {

namespace {

bool ends_name(char c) { return c == '>' || c == '/' || c == ' ' || (c >= '\t' && c <= '\r'); }

bool closes_by_itself(std::string_view name) {
    static constexpr std::string_view names[] = {
        "p",     "li",     "dd",       "dt",   "td",  "th",       "tr",      "tbody",  "thead",
        "tfoot", "option", "optgroup", "rp",   "rt",  "br",       "hr",      "img",    "input",
        "meta",  "link",   "area",     "base", "col", "embed",    "param",   "source", "track",
        "wbr",   "html",   "head",     "body", "a",   "colgroup", "caption",
    };
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

HtmlTree::HtmlTree(std::string_view utf8, const HtmlLimits& limits, Markup markup)
    : memory_(std::make_unique<Memory>()) {
    memory_->limit = limits.memory;
    if (markup == Markup::xml) {
        if (parse_xml(utf8, limits)) return;
        rewritten_ = xml_written_as_html(utf8);
        utf8 = rewritten_;
    }
    parse_html(utf8, limits);
}

void HtmlTree::parse_html(std::string_view utf8, const HtmlLimits& limits) {
    if (parsing_work(utf8) > limits.work) {
        refused_ = "nested_too_deeply";
        return;
    }
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = [](void* memory, size_t bytes) { return static_cast<Memory*>(memory)->take_or_jump(bytes); };
    options.deallocator = [](void*, void*) {};
    options.userdata = memory_.get();
    options.max_errors = 0;
    if (setjmp(memory_->out_of_memory) != 0) {
        refused_ = "takes_too_much_memory";
        return;
    }
    const GumboOutput* output = gumbo_parse_with_options(&options, utf8.data(), utf8.size());
    flatten(output->root, limits.nodes);
}

HtmlTree::~HtmlTree() = default;

void HtmlTree::flatten(const GumboNode* root, size_t limit) {
    struct Open {
        int index;
        unsigned next_child;
    };
    std::vector<Open> open;
    auto add = [&](const GumboNode* node) {
        const int index = int(nodes_.size());
        nodes_.push_back({node, open.empty() ? -1 : open.back().index, index + 1});
        if (node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE) open.push_back({index, 0});
    };
    add(root);
    while (!open.empty()) {
        Open& top = open.back();
        const GumboVector& children = nodes_[size_t(top.index)].gumbo->v.element.children;
        if (top.next_child == children.length) {
            nodes_[size_t(top.index)].end = int(nodes_.size());
            open.pop_back();
        } else if (nodes_.size() == limit) {
            nodes_.clear();
            refused_ = "takes_too_much_memory";
            return;
        } else {
            add(static_cast<const GumboNode*>(children.data[top.next_child++]));
        }
    }
}

bool HtmlTree::is_element(int i) const {
    const GumboNodeType type = nodes_[size_t(i)].gumbo->type;
    return type == GUMBO_NODE_ELEMENT || type == GUMBO_NODE_TEMPLATE;
}

bool HtmlTree::is_text(int i) const {
    const GumboNodeType type = nodes_[size_t(i)].gumbo->type;
    return type == GUMBO_NODE_TEXT || type == GUMBO_NODE_WHITESPACE || type == GUMBO_NODE_CDATA;
}

GumboTag HtmlTree::tag(int i) const {
    return is_element(i) ? nodes_[size_t(i)].gumbo->v.element.tag : GUMBO_TAG_UNKNOWN;
}

std::string_view HtmlTree::name(int i) const {
    if (!is_element(i)) return {};
    GumboStringPiece piece = nodes_[size_t(i)].gumbo->v.element.original_tag;
    gumbo_tag_from_original_text(&piece);
    return piece.data ? std::string_view(piece.data, piece.length) : std::string_view();
}

std::string_view HtmlTree::text(int i) const {
    return is_text(i) ? std::string_view(nodes_[size_t(i)].gumbo->v.text.text) : std::string_view();
}

bool HtmlTree::has_attribute(int i, const char* name) const {
    return is_element(i) && gumbo_get_attribute(&nodes_[size_t(i)].gumbo->v.element.attributes, name) != nullptr;
}

std::string_view HtmlTree::attribute(int i, const char* name) const {
    if (!is_element(i)) return {};
    const GumboAttribute* found = gumbo_get_attribute(&nodes_[size_t(i)].gumbo->v.element.attributes, name);
    return found ? std::string_view(found->value) : std::string_view();
}

uint64_t parsing_work(std::string_view html) {
    std::unordered_map<std::string, size_t> open;
    uint64_t now = 0, most = 1, tags = 0;
    std::string name;
    for (size_t i = 0; (i = html.find('<', i)) != std::string_view::npos;) {
        const bool closing = ++i < html.size() && html[i] == '/';
        if (closing) ++i;
        if (i >= html.size() || !is_ascii_letter(html[i])) continue;
        ++tags;
        name.clear();
        for (; i < html.size() && !ends_name(html[i]) && name.size() < 32; ++i) name += char(html[i] | 0x20);
        if (closes_by_itself(name)) continue;
        size_t& count = open[name];
        if (!closing) ++count, most = std::max(most, ++now);
        else if (count > 0) --count, --now;
    }
    return tags * most;
}

}  // namespace gradus
