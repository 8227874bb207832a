#include "data/html_boilerplate.h"

#include <algorithm>
#include <initializer_list>
#include <unordered_set>

#include "data/html_formula.h"
#include "data/text.h"

namespace gradus {

namespace {

using Words = std::unordered_set<std::string_view>;

template <class T>
bool is_one_of(const T& value, std::initializer_list<T> set) {
    return std::find(set.begin(), set.end(), value) != set.end();
}

// clang-format off
const Words boilerplate_words = {
    // navigation
    "nav", "navi", "navbar", "navigation", "navheader", "navfooter", "navlinks", "menu", "menus", "submenu",
    "mainmenu", "megamenu", "topmenu", "dropdown", "sidebar", "sidebars", "sidenav", "aside", "breadcrumb", "breadcrumbs", "crumbs",
    "pagination", "pager", "paging", "pagenavi", "toc", "search", "searchbox", "searchform", "skip", "toolbar", "tagcloud",
    "tags", "taglist", "tabs", "sitemap", "fancy_toc",
    // page furniture
    "footer", "foot", "footernav", "masthead", "topbar", "copyright", "colophon", "banner", "widget", "widgets", "headerlink",
    "permalink", "editsection", "noprint", "printfooter", "catlinks", "rss", "metadata", "postmeta", "byline", "footnote-reference",
    // links to other texts
    "related", "relatedposts", "recommended", "recommendations", "recommend", "teaser", "teasers", "trending", "popular",
    "mostread", "outbrain", "taboola", "readmore", "carousel", "slider", "ticker",
    // comments by readers
    "comment", "comments", "commentlist", "respond", "disqus", "reply", "replies", "pingback", "trackback", "reviews",
    // sharing, subscribing, adverts
    "share", "sharing", "sharedaddy", "sharebar", "social", "socials", "socialmedia", "addthis", "addtoany", "follow", "like",
    "likes", "newsletter", "subscribe", "subscription", "subscriptions", "signup", "signin", "login", "logon", "register",
    "paywall", "donate", "donation", "cta", "ad", "ads", "adv", "advert", "advertisement", "adsense", "adsbygoogle", "promo",
    "promotion", "promoted", "sponsor", "sponsored", "sponsors", "shopping", "cookie", "cookies", "gdpr", "consent", "popup",
    "modal", "overlay", "lightbox", "tooltip",
};
// clang-format on

// The words of a class or id: its runs of letters and digits, and each space-separated name as a whole.
template <class Test>
bool any_word(std::string_view names, Test test) {
    std::string word, whole;
    bool last_lower = false;
    auto flush = [&](std::string& text) {
        const bool hit = !text.empty() && test(std::string_view(text));
        text.clear();
        return hit;
    };
    for (const char c : names) {
        const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        const char small = upper ? char(c + 32) : c;
        if (is_space(c)) {
            if (flush(word) || flush(whole)) return true;
            last_lower = false;
            continue;
        }
        if (upper && last_lower && flush(word)) return true;
        if (upper || lower || uint8_t(c) >= 0x80) word += small;
        else if (flush(word)) return true;
        whole += small;
        last_lower = lower;
    }
    return flush(word) || flush(whole);
}

bool contains_word(std::string_view names, const Words& words) {
    return any_word(names, [&](std::string_view word) { return words.count(word) > 0; });
}

// In manuals an id names a chapter: a section "queries-with-search" is not a search box, and a heading "menu" is not a
// menu.
bool id_names_a_place(const HtmlTree& page, int element) {
    static const Words parts_of_books = {"sect",    "section",  "refsect",  "refsynopsisdiv", "refentry",
                                         "chapter", "appendix", "preface",  "part",           "example",
                                         "figure",  "table",    "glossary", "simplesect"};
    return is_one_of(page.tag(element), {GUMBO_TAG_DIV, GUMBO_TAG_UL, GUMBO_TAG_OL, GUMBO_TAG_TABLE, GUMBO_TAG_TD}) &&
           !contains_word(page.attribute(element, "class"), parts_of_books);
}

bool is_inside(const HtmlTree& page, int element, std::initializer_list<GumboTag> tags) {
    for (int i = page.parent(element); i >= 0; i = page.parent(i))
        if (is_one_of(page.tag(i), tags)) return true;
    return false;
}

constexpr int longest_heading = 1000;  // nodes

bool is_blank(const HtmlTree& page, int i) { return trimmed(page.text(i)).empty(); }

// An accordion: <button><h3>…</h3></button>.
bool holds_heading(const HtmlTree& page, int button) {
    for (int i = button + 1; i < page.end(button); ++i)
        if (is_heading(page.tag(i))) return true;
    return false;
}

// The other way round: a heading, or an item that acts as one, whose only text is the button's.
bool is_all_of_heading(const HtmlTree& page, int button) {
    bool empty = true;
    for (int i = button + 1; i < page.end(button) && empty; ++i) empty = is_blank(page, i);
    int heading = page.parent(button);
    while (heading >= 0 && !is_block(page, heading) && page.tag(heading) != GUMBO_TAG_DT)
        heading = page.parent(heading);
    if (empty || heading < 0) return false;
    if (!is_heading(page.tag(heading)) &&
        !is_one_of(page.tag(heading), {GUMBO_TAG_DT, GUMBO_TAG_SUMMARY, GUMBO_TAG_LEGEND}))
        return false;
    if (page.end(heading) - heading > longest_heading) return false;
    for (int i = heading + 1; i < page.end(heading); i = i == button ? page.end(i) : i + 1)
        if (i != button && !is_blank(page, i)) return false;
    return true;
}

bool is_part_of_list_or_table(GumboTag tag) {
    return is_one_of(tag, {GUMBO_TAG_LI, GUMBO_TAG_DT, GUMBO_TAG_DD, GUMBO_TAG_TR, GUMBO_TAG_TD, GUMBO_TAG_TH,
                           GUMBO_TAG_THEAD, GUMBO_TAG_TBODY, GUMBO_TAG_TFOOT});
}

bool is_inline(const HtmlTree& page, int i) {
    return page.is_element(i) && !is_block(page, i) && !is_part_of_list_or_table(page.tag(i));
}

// A text is part of a sentence if no link and no boilerplate name encloses it, up to `ancestor`.
bool is_plain(const HtmlTree& page, int text, int ancestor) {
    for (int i = page.parent(text); i > ancestor; i = page.parent(i))
        if (!is_inline(page, i) || page.tag(i) == GUMBO_TAG_A ||
            contains_word(page.attribute(i, "class"), boilerplate_words))
            return false;
    return true;
}

// Text before or after the element in the same block.
bool is_in_a_sentence(const HtmlTree& page, int element) {
    constexpr int nearby = 64;  // nodes; what is farther away does not count
    int block = page.parent(element);
    if (block < 0) return false;
    while (block > 0 && is_inline(page, block)) block = page.parent(block);
    for (int i = element - 1; i > block && i > element - nearby; --i) {
        if (!page.is_text(i) || is_blank(page, i)) continue;
        int common = page.parent(i);
        while (common > block && page.end(common) <= element) common = page.parent(common);
        if (is_plain(page, i, common)) return true;
        break;
    }
    for (int i = page.end(element), last = std::min(page.end(block), i + nearby); i < last; ++i) {
        if (!page.is_text(i) || is_blank(page, i)) continue;
        int common = page.parent(i);
        while (common > block && common >= page.end(element)) common = page.parent(common);
        return is_plain(page, i, common);
    }
    return false;
}

// For a block, or an element that stands alone, class and id say what part of the page it is. In a sentence, in code
// and in a heading they say how it looks: "popular", "hljs-comment", "tooltip".
bool words_count(const HtmlTree& page, int element) {
    static const Words marks = {"headerlink", "permalink", "editsection", "noprint", "footnote-reference", "skip"};
    const GumboTag tag = page.tag(element);
    if (is_heading(tag) || is_one_of(tag, {GUMBO_TAG_PRE, GUMBO_TAG_CODE}) ||
        is_inside(page, element, {GUMBO_TAG_PRE, GUMBO_TAG_CODE, GUMBO_TAG_MATH}))
        return false;
    if (!is_inline(page, element) || contains_word(page.attribute(element, "class"), marks)) return true;
    return !is_in_a_sentence(page, element);
}

std::string without_spaces_lower(std::string_view text) {
    std::string result;
    for (const char c : text)
        if (!is_space(c)) result += c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    return result;
}

}  // namespace

bool is_invisible(const HtmlTree& page, int element) {
    switch (page.tag(element)) {
        case GUMBO_TAG_SCRIPT: return !is_formula(page, element);
        case GUMBO_TAG_BUTTON: return !holds_heading(page, element) && !is_all_of_heading(page, element);
        case GUMBO_TAG_UNKNOWN:
            if (page.name(element) == "dialog" && !page.has_attribute(element, "open")) return true;
            break;
        case GUMBO_TAG_HEAD:
        case GUMBO_TAG_STYLE:
        case GUMBO_TAG_NOSCRIPT:
        case GUMBO_TAG_TEMPLATE:
        case GUMBO_TAG_SVG:
        case GUMBO_TAG_IFRAME:
        case GUMBO_TAG_OBJECT:
        case GUMBO_TAG_EMBED:
        case GUMBO_TAG_CANVAS:
        case GUMBO_TAG_AUDIO:
        case GUMBO_TAG_VIDEO:
        case GUMBO_TAG_SELECT:
        case GUMBO_TAG_INPUT:
        case GUMBO_TAG_TEXTAREA:
        case GUMBO_TAG_NOFRAMES:
        case GUMBO_TAG_MAP:
        case GUMBO_TAG_DATALIST: return true;
        case GUMBO_TAG_BODY:
        case GUMBO_TAG_HTML: return false;  // some pages unhide themselves with a script
        default: break;
    }
    const std::string_view style = page.attribute(element, "style");
    const bool hidden = (page.has_attribute(element, "hidden") && page.attribute(element, "hidden") != "until-found") ||
                        page.attribute(element, "aria-hidden") == "true" ||
                        (!style.empty() && without_spaces_lower(style).find("display:none") != std::string::npos);
    return (hidden && !hides_formula(page, element)) || repeats_formula(page, element);
}

bool is_boilerplate(const HtmlTree& page, int element) {
    switch (page.tag(element)) {
        case GUMBO_TAG_HTML:
        case GUMBO_TAG_BODY:
        case GUMBO_TAG_MAIN: return false;
        case GUMBO_TAG_NAV:
        case GUMBO_TAG_ASIDE:
        case GUMBO_TAG_FOOTER:
        case GUMBO_TAG_FORM:
        case GUMBO_TAG_MENU: return true;
        case GUMBO_TAG_HEADER: return !is_inside(page, element, {GUMBO_TAG_ARTICLE, GUMBO_TAG_MAIN});
        default: break;
    }
    const std::string_view role = page.attribute(element, "role");
    if (!role.empty() &&
        is_one_of<std::string_view>(role, {"navigation", "banner", "complementary", "contentinfo", "search", "menu",
                                           "menubar", "dialog", "alert", "alertdialog", "toolbar", "tablist", "note"}))
        return true;
    const std::string_view names = page.attribute(element, "class");
    if (!names.empty() && contains_word(names, boilerplate_words) && words_count(page, element)) return true;
    return id_names_a_place(page, element) && contains_word(page.attribute(element, "id"), boilerplate_words);
}

bool claims_to_be_main(const HtmlTree& page, int element) {
    static const Words names = {"entry-content",   "post-content", "article-body",    "articlebody",
                                "article-content", "post-body",    "entry",           "story-body",
                                "article__body",   "postcontent",  "content-body",    "td-post-content",
                                "entry-body",      "article-text", "mw-parser-output"};
    const GumboTag tag = page.tag(element);
    if (tag == GUMBO_TAG_MAIN || tag == GUMBO_TAG_ARTICLE || page.attribute(element, "role") == "main") return true;
    if (without_spaces_lower(page.attribute(element, "itemprop")) == "articlebody") return true;
    return contains_word(page.attribute(element, "class"), names);
}

bool is_block(const HtmlTree& page, int element) {
    // Elements without a gumbo tag.
    static const Words names = {"search", "dialog"};
    switch (page.tag(element)) {
        case GUMBO_TAG_DIV:
        case GUMBO_TAG_P:
        case GUMBO_TAG_UL:
        case GUMBO_TAG_OL:
        case GUMBO_TAG_DL:
        case GUMBO_TAG_TABLE:
        case GUMBO_TAG_SECTION:
        case GUMBO_TAG_ARTICLE:
        case GUMBO_TAG_MAIN:
        case GUMBO_TAG_BLOCKQUOTE:
        case GUMBO_TAG_PRE:
        case GUMBO_TAG_H1:
        case GUMBO_TAG_H2:
        case GUMBO_TAG_H3:
        case GUMBO_TAG_H4:
        case GUMBO_TAG_H5:
        case GUMBO_TAG_H6:
        case GUMBO_TAG_HEADER:
        case GUMBO_TAG_FOOTER:
        case GUMBO_TAG_NAV:
        case GUMBO_TAG_ASIDE:
        case GUMBO_TAG_FORM:
        case GUMBO_TAG_FIGURE:
        case GUMBO_TAG_FIGCAPTION:
        case GUMBO_TAG_ADDRESS:
        case GUMBO_TAG_FIELDSET:
        case GUMBO_TAG_DETAILS:
        case GUMBO_TAG_SUMMARY:
        case GUMBO_TAG_CENTER:
        case GUMBO_TAG_HR:
        case GUMBO_TAG_CAPTION:
        case GUMBO_TAG_BODY:
        case GUMBO_TAG_HTML:
        case GUMBO_TAG_DIR:
        case GUMBO_TAG_MENU:
        case GUMBO_TAG_LEGEND:
        case GUMBO_TAG_HGROUP:
        case GUMBO_TAG_OPTGROUP:
        case GUMBO_TAG_OPTION:
        case GUMBO_TAG_LISTING:
        case GUMBO_TAG_XMP:
        case GUMBO_TAG_PLAINTEXT:
        case GUMBO_TAG_MARQUEE:
        case GUMBO_TAG_MULTICOL: return true;
        case GUMBO_TAG_UNKNOWN: return names.count(page.name(element)) > 0;
        default: return false;
    }
}

}  // namespace gradus
