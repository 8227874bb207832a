#pragma once
// Formulas: each once, in a form that can be read.
//
//   TeX        where the page has it: KaTeX's and Wikipedia's annotations, LaTeXML's alternative text, MathJax's scripts;
//              written as $…$, or $$…$$ when it is displayed
//   a line     of MathML without it: (a + b)/2, x², √(x), x_i
//
// What a browser is shown beside them (KaTeX's and MathJax's glyphs, pictures) is dropped.
// Source: https://www.w3.org/TR/MathML3/, https://docs.mathjax.org/en/v2.7-latest/advanced/model.html
#include <string>

#include "data/html_tree.h"

namespace gradus {

// <math>, or a script of MathJax that holds a formula.
bool is_formula(const HtmlTree& page, int element);

std::string formula_text(const HtmlTree& page, int formula);

// The glyphs of a formula that stands in the page in another form too.
bool repeats_formula(const HtmlTree& page, int element);

// Hidden, but the only readable form of the formula in it: beside it stands a picture, or nothing.
bool hides_formula(const HtmlTree& page, int element);

}  // namespace gradus
