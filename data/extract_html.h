#pragma once
// The main text of a web page, as its author wrote it: without menus, adverts, footers, scripts.
//
//   1  parse (html_tree.h)
//   2  drop what is not text or not shown: script, style, template, svg, form controls, hidden elements
//   3  drop what is by its tag, role, class or id something around the text (html_boilerplate.h), and blocks that are
//      mostly links; never what holds most of the page
//   4  go down to the smallest element that holds nearly all of the rest
//   5  write that as text (html_text.h)
//
// Fonts, colours and images are lost; headings, paragraphs, lists, tables and preformatted text keep their form.
#include <string>
#include <string_view>

namespace gradus {

struct Extraction {
    std::string text;
    std::string refused;  // why there is no text at all: HtmlTree::refused()
};

Extraction extract_html(std::string_view utf8);

}  // namespace gradus
