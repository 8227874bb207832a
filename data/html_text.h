#pragma once
// Writes the kept part of a page as plain text.
//
//   paragraphs, headings    one line, surrounded by blank lines
//   lists                   "- item" or "1. item" per line, indented by two spaces per level of nesting
//   definition lists        the term on a line, its description on the next
//   tables                  "cell | cell" per row; layout tables are written as the blocks in them
//   pre                     unchanged, with line ends and indentation
//   sup, sub                html_scripts.h: 100², H₂O, 2^n, text[1]
//   formulas                html_formula.h: TeX or one line, each formula once
//   q, ruby                 “quoted”; 漢字(かんじ)
//   everything else         white space (U+00A0 too) collapses to one space; <br> ends a line
#include <string>
#include <vector>

#include "data/html_tree.h"

namespace gradus {

// The text of the subtree of `root` without the nodes whose `dropped` is true.
std::string html_text(const HtmlTree& page, int root, const std::vector<bool>& dropped);

}  // namespace gradus
