#pragma once
// The main text of a web page, as its author wrote it: without menus, adverts, footers, scripts.
//
//   1  parse (html_tree.h), XHTML by the rules of XML
//   2  drop what is not text or not shown: script, style, template, svg, form controls, hidden elements
//   3  drop what is by its tag, role, class or id something around the text (html_boilerplate.h), and blocks that are
//      mostly links; never what holds most of the page
//   4  go down to the smallest element that holds nearly all of the rest
//   5  drop headings that have nothing under them any more
//   6  write that as text (html_text.h)
//
// Fonts, colours and images are lost; headings, paragraphs, lists, tables and preformatted text keep their form.
#include <string>
#include <string_view>

#include "data/markup.h"

namespace gradus {

struct Extraction {
    std::string text;
    std::string refused;  // why there is no text at all: HtmlTree::refused()
};

Extraction extract_html(std::string_view utf8, Markup markup = Markup::html);

// The same from the bytes of a file. Its name says whether it is XHTML, or the page itself does (xhtml.h).
Extraction extract_page(std::string_view bytes, Markup by_name);
bool is_xhtml_name(std::string_view path);  // .xhtml or .xht, also with .gz or .zst behind it

}  // namespace gradus
