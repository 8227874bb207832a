#pragma once
// Superscripts and subscripts as plain text, so that 100<sup>2</sup> does not become 1002:
//
//   digits and signs         the Unicode characters for them: 100², 10⁻⁶, H₂O
//   a letter, a formula      ^ and _: 2^n, e^(-x/2), x_i, a_(i+1)
//   ordinals, abbreviations  unchanged: 1st, XIXe, Mme, no
//   notes                    in brackets: text[1]; a mark such as * or ™ stays as it is
//   words                    as separate words: "Foo beta"
#include <string>
#include <string_view>

namespace gradus {

enum class Script { super, sub };

// What to write directly after `before`, the text so far (empty if white space separates them).
std::string script_text(Script script, std::string_view content, std::string_view before, bool is_note);

}  // namespace gradus
