#pragma once
// What an element says about itself: is it text of the page, or something around it?
//
// Judged by tag, role, hidden-ness and the words in class and id ("main-menu", "navHeader" → main, menu; nav, header).
// Words count for blocks and for elements that stand alone, never in a sentence, in code or in a heading.
// The lists are short and general; they were tuned on tests/data/test_extraction_corpus.cpp.
#include "data/html_tree.h"

namespace gradus {

// Never text: scripts, styles, controls, pictures, and what the page hides. A button that is a heading stays.
bool is_invisible(const HtmlTree& page, int element);

// Around the text: menus, footers, adverts, comments, links to share.
bool is_boilerplate(const HtmlTree& page, int element);

// Says of itself that it is the text: main, article, role=main, itemprop=articleBody, class "entry-content" and the like.
bool claims_to_be_main(const HtmlTree& page, int element);

// Starts a line of its own in a browser, so that its links can be weighed against its text. Parts of lists and tables
// are none: html_text.h gives them their form.
bool is_block(const HtmlTree& page, int element);

}  // namespace gradus
