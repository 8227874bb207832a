#pragma once
// A parsed page as a flat list of nodes in document order, so that every traversal is a loop, however deep the nesting.
//
//   node i's subtree is [i, end(i)); its children are i + 1, end(i + 1), … ; its parent comes before it
//
// Gumbo (the HTML5 algorithm) parses into one arena that is freed at once, because its own destructor recurses. XHTML
// is parsed as XML (xhtml.h) into the same kind of nodes, or as HTML if it is not well-formed. Three limits keep
// hostile pages cheap: the bytes of the page (checked by the reader), work (each tag may make gumbo walk its whole
// stack of open elements, so a deep page costs tags × depth, and is refused before it is parsed), and memory (misnested
// formatting can make gumbo copy the same elements into every paragraph).
// Source: https://html.spec.whatwg.org/multipage/parsing.html
#include <gumbo.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/markup.h"

namespace gradus {

inline bool is_heading(GumboTag tag) { return tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6; }

struct HtmlLimits {
    uint64_t work = 2'000'000'000;  // tags × maximum of open elements: a few seconds at worst
    size_t memory = 512 << 20;
    size_t nodes = 2'000'000;
};

class HtmlTree {
public:
    // The page's bytes must live as long as the tree.
    explicit HtmlTree(std::string_view utf8, const HtmlLimits& limits = {}, Markup markup = Markup::html);
    ~HtmlTree();
    HtmlTree(const HtmlTree&) = delete;
    HtmlTree& operator=(const HtmlTree&) = delete;

    // Empty, or why the page was not parsed: "nested_too_deeply", "takes_too_much_memory", "entity_expansion".
    const std::string& refused() const { return refused_; }

    int size() const { return int(nodes_.size()); }
    int parent(int i) const { return nodes_[size_t(i)].parent; }  // -1 for the root
    int end(int i) const { return nodes_[size_t(i)].end; }
    bool is_element(int i) const;
    bool is_text(int i) const;
    GumboTag tag(int i) const;                                  // GUMBO_TAG_UNKNOWN for text
    std::string_view name(int i) const;                         // as written, of an element without a gumbo tag
    std::string_view text(int i) const;                         // of a text node
    std::string_view attribute(int i, const char* name) const;  // empty when absent
    bool has_attribute(int i, const char* name) const;

private:
    struct Node {
        const GumboNode* gumbo;
        int parent, end;
    };
    struct Memory;
    class XmlBuilder;

    void parse_html(std::string_view utf8, const HtmlLimits& limits);
    bool parse_xml(std::string_view utf8, const HtmlLimits& limits);  // false: not well-formed
    void flatten(const GumboNode* root, size_t limit);

    std::unique_ptr<Memory> memory_;
    std::vector<Node> nodes_;
    std::string refused_;
    std::string rewritten_;  // the text that was parsed instead of the page
};

// Tags × the maximum number of elements that can be open at once: an upper bound from the tags alone. Elements that the
// parser closes by itself when the next of their kind opens (p, li, td, …) are not counted as open: they can nest only
// inside other elements that are counted.
uint64_t parsing_work(std::string_view html);

}  // namespace gradus
