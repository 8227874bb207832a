#pragma once
// The main text of a web page, without menus, adverts, footers and scripts.
//
//   1  parse (html_tree.h); XHTML is parsed as XML
//   2  drop what is not text or not visible: script, style, template, svg, form controls, hidden elements
//   3  drop boilerplate, recognized by tag, role, class or id (html_boilerplate.h), and blocks that are mostly links; never
//      an element with most of the page's text
//   4  descend to the smallest element with nearly all of the remaining text
//   5  drop headings that have nothing below them any more
//   6  write the rest as text (html_text.h)
//
// Fonts, colours and images are lost; headings, paragraphs, lists, tables and preformatted text keep their structure.
#include <string>
#include <string_view>

#include "data/markup.h"

namespace gradus {

struct Extraction {
    std::string text;
    std::string refused;  // why there is no text: HtmlTree::refused()
};

Extraction extract_html(std::string_view utf8, Markup markup = Markup::html);

// The same from the bytes of a file. Its name says whether it is XHTML, or the page itself (xhtml.h).
Extraction extract_page(std::string_view bytes, Markup by_name);
bool is_xhtml_name(std::string_view path);  // .xhtml or .xht, also with .gz or .zst appended

}  // namespace gradus
