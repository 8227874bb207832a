#pragma once
// Writes the kept part of a page as plain text.
//
//   paragraphs, headings    a line, with a blank line around
//   lists                   "- item" or "1. item" a line, two spaces deeper for each list inside a list
//   definition lists        the term on a line, its description on the next
//   tables                  "cell | cell" a row; tables that only arrange blocks are written as those blocks
//   pre                     as it is, with its line ends and indentation
//   sup, sub                html_scripts.h: 100², H₂O, 2^n, text[1]
//   formulas                html_formula.h: TeX or one line, once
//   q, ruby                 “quoted”; 漢字(かんじ)
//   everything else         white space (U+00A0 too) collapses to one space; <br> ends a line
#include <string>
#include <vector>

#include "data/html_tree.h"

namespace gradus {

// The text of the subtree of `root` without the nodes whose `dropped` is true.
std::string html_text(const HtmlTree& page, int root, const std::vector<bool>& dropped);

}  // namespace gradus
