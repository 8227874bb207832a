#include "data/extract_html.h"

#include <algorithm>
#include <vector>

#include "data/byte_source.h"
#include "data/charset.h"
#include "data/html_boilerplate.h"
#include "data/html_text.h"
#include "data/html_tree.h"
#include "data/text.h"
#include "data/xhtml.h"

namespace gradus {

namespace {

constexpr double most_of_the_page = 0.5;  // an element with more of the text is never boilerplate by its name
constexpr double mostly_links = 0.6;      // fraction of a block's characters inside links
constexpr double nearly_all = 0.9;        // step 4 descends into a child with this fraction of the text
constexpr double enough_for_main = 0.4;   // an element marked as the main text must have this fraction of it
constexpr int64_t short_block = 25;  // characters; shorter blocks (headings, captions) are not judged by their links

struct Weights {
    std::vector<int64_t> all, in_links;  // per node: characters other than white space in its kept subtree

    Weights(const HtmlTree& page, const std::vector<bool>& dropped)
        : all(size_t(page.size())), in_links(size_t(page.size())) {
        std::vector<bool> link(size_t(page.size()));
        for (int i = 0; i < page.size();) {
            if (dropped[size_t(i)]) {
                i = page.end(i);
                continue;
            }
            const int parent = page.parent(i);
            // Anchors without href are link targets; XHTML's <a id="x"/> even encloses what follows when parsed as
            // HTML.
            link[size_t(i)] =
                (parent >= 0 && link[size_t(parent)]) || (page.tag(i) == GUMBO_TAG_A && page.has_attribute(i, "href"));
            int64_t characters = 0;
            for (const char c : page.text(i)) characters += !is_space(c) && (uint8_t(c) & 0xC0) != 0x80;
            all[size_t(i)] = characters;
            in_links[size_t(i)] = link[size_t(i)] ? characters : 0;
            ++i;
        }
        for (int i = page.size() - 1; i > 0; --i) {
            all[size_t(page.parent(i))] += all[size_t(i)];
            in_links[size_t(page.parent(i))] += in_links[size_t(i)];
        }
    }

    int64_t outside_links(int i) const { return all[size_t(i)] - in_links[size_t(i)]; }
};

// Drops the outermost kept elements for which `unwanted` is true.
template <class Test>
void drop(const HtmlTree& page, std::vector<bool>& dropped, Test unwanted) {
    for (int i = 0; i < page.size();) {
        if (!dropped[size_t(i)] && page.is_element(i) && unwanted(i)) dropped[size_t(i)] = true;
        i = dropped[size_t(i)] ? page.end(i) : i + 1;
    }
}

bool holds_title(const HtmlTree& page, const std::vector<bool>& dropped, int element) {
    for (int i = element; i < page.end(element);) {
        if (!dropped[size_t(i)] && page.tag(i) == GUMBO_TAG_H1) return true;
        i = dropped[size_t(i)] ? page.end(i) : i + 1;
    }
    return false;
}

// Elements that contain other blocks, as opposed to text.
bool is_container(GumboTag tag) {
    return tag == GUMBO_TAG_BODY || tag == GUMBO_TAG_DIV || tag == GUMBO_TAG_SECTION || tag == GUMBO_TAG_ARTICLE ||
           tag == GUMBO_TAG_MAIN || tag == GUMBO_TAG_CENTER;
}

int find_main(const HtmlTree& page, const std::vector<bool>& dropped, const Weights& weights) {
    int root = 0;
    const double enough = enough_for_main * double(weights.outside_links(0));
    for (int i = 0; i < page.size();) {
        if (dropped[size_t(i)]) {
            i = page.end(i);
            continue;
        }
        // Later and deeper marked elements win if they have enough text.
        if (page.is_element(i) && double(weights.outside_links(i)) >= enough && claims_to_be_main(page, i)) root = i;
        ++i;
    }
    while (true) {
        int heaviest = -1;
        bool title_beside = false;
        for (int child = root + 1; child < page.end(root); child = page.end(child)) {
            if (dropped[size_t(child)] || !page.is_element(child)) continue;
            const double share =
                double(weights.outside_links(child)) / double(std::max<int64_t>(1, weights.outside_links(root)));
            if (share >= nearly_all && is_container(page.tag(child))) heaviest = child;
            else title_beside = title_beside || holds_title(page, dropped, child);
        }
        if (heaviest < 0 || title_beside) return root;
        root = heaviest;
    }
}

// "Related articles" above a dropped part, "Gallery" above pictures: no text between the heading and the next one of
// its level, or the end of the main text. The title of a page is never one of them.
bool heads_nothing(const HtmlTree& page, const std::vector<bool>& dropped, int heading, int main) {
    if (page.tag(heading) == GUMBO_TAG_H1) return false;
    bool something = false;  // found in between; consecutive headings are lines of a text
    for (int i = page.end(heading); i < page.end(main);) {
        if (dropped[size_t(i)]) {
            something = true;
            i = page.end(i);
            continue;
        }
        if (is_heading(page.tag(i))) return something && page.tag(i) <= page.tag(heading);
        something = something || page.tag(i) == GUMBO_TAG_IMG;
        if (!trimmed(page.text(i)).empty()) return false;
        ++i;
    }
    return something;
}

}  // namespace

Extraction extract_html(std::string_view utf8, Markup markup) {
    const HtmlTree page(utf8, {}, markup);
    Extraction extraction;
    extraction.refused = page.refused();
    if (page.size() == 0) return extraction;

    std::vector<bool> dropped(size_t(page.size()));
    drop(page, dropped, [&](int i) { return is_invisible(page, i); });
    {
        const Weights weights(page, dropped);
        drop(page, dropped, [&](int i) {
            return double(weights.outside_links(i)) <= most_of_the_page * double(weights.outside_links(0)) &&
                   is_boilerplate(page, i);
        });
    }
    {
        const Weights weights(page, dropped);
        drop(page, dropped, [&](int i) {
            const int64_t all = weights.all[size_t(i)];
            return is_block(page, i) && !is_heading(page.tag(i)) && all >= short_block &&
                   double(weights.in_links[size_t(i)]) > mostly_links * double(all);
        });
    }
    const int main = find_main(page, dropped, Weights(page, dropped));
    drop(page, dropped, [&](int i) { return is_heading(page.tag(i)) && heads_nothing(page, dropped, i, main); });
    extraction.text = html_text(page, main, dropped);
    return extraction;
}

Extraction extract_page(std::string_view bytes, Markup by_name) {
    const std::string utf8 = to_utf8(bytes, by_name);
    return extract_html(utf8, declares_xhtml(utf8) ? Markup::xml : by_name);
}

bool is_xhtml_name(std::string_view path) {
    std::string name = without_compression(path).extension().string();
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    return name == ".xhtml" || name == ".xht";
}

}  // namespace gradus
