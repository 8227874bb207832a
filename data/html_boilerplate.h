#pragma once
// What an element says about itself: is it text of the page, or something around it?
//
// Judged by tag, role, hidden-ness and the words in class and id ("main-menu", "navHeader" → main, menu; nav, header).
// The lists are short and general; they were tuned on tests/data/test_extraction_corpus.cpp.
#include "data/html_tree.h"

namespace gradus {

// Never text: scripts, styles, controls, pictures, and what the page hides.
bool is_invisible(const HtmlTree& page, int element);

// Around the text: menus, footers, adverts, comments, links to share.
bool is_boilerplate(const HtmlTree& page, int element);

// Says of itself that it is the text: main, article, role=main, itemprop=articleBody, class "entry-content" and the like.
bool claims_to_be_main(const HtmlTree& page, int element);

// Starts a block of its own, so that its links can be weighed against its text.
bool is_block(GumboTag tag);

}  // namespace gradus
