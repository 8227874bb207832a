#pragma once
// What an element says about itself: is it text of the page, or boilerplate around it?
//
// The decision uses tag, role, visibility and the words in class and id ("main-menu", "navHeader" → main, menu; nav,
// header). Words count for blocks and for elements that stand alone, never in a sentence, in code or in a heading.
// The lists are short and general; they were tuned on tests/data/test_extraction_corpus.cpp.
#include "data/html_tree.h"

namespace gradus {

// Never text: scripts, styles, controls, pictures, and what the page hides. A button that is a heading is kept.
bool is_invisible(const HtmlTree& page, int element);

// Boilerplate: menus, footers, adverts, comments, share links.
bool is_boilerplate(const HtmlTree& page, int element);

// The element is marked as the main text: main, article, role=main, itemprop=articleBody, class "entry-content" etc.
bool claims_to_be_main(const HtmlTree& page, int element);

// A browser starts a new line for it, so that its links can be compared with its text. Parts of lists and tables do not
// count: html_text.h formats them.
bool is_block(const HtmlTree& page, int element);

}  // namespace gradus
