#pragma once
// Formulas: each is written once, in a readable form.
//
//   TeX        if the page has it: annotations of KaTeX and Wikipedia, LaTeXML's alternative text, MathJax scripts;
//              written as $…$, or $$…$$ for displayed formulas
//   one line   of MathML otherwise: (a + b)/2, x², √(x), x_i
//
// What browsers display in addition (glyphs of KaTeX and MathJax, pictures) is dropped.
// Source: https://www.w3.org/TR/MathML3/, https://docs.mathjax.org/en/v2.7-latest/advanced/model.html
#include <string>

#include "data/html_tree.h"

namespace gradus {

// <math>, or a MathJax script with a formula.
bool is_formula(const HtmlTree& page, int element);

std::string formula_text(const HtmlTree& page, int formula);

// The glyphs of a formula that the page also has in another form.
bool repeats_formula(const HtmlTree& page, int element);

// Hidden, but the only readable form of its formula: next to it is a picture or nothing.
bool hides_formula(const HtmlTree& page, int element);

}  // namespace gradus
