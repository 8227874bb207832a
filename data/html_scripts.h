#pragma once
// Superscripts and subscripts as plain text, so that 100<sup>2</sup> is not 1002:
//
//   digits and signs       the characters that Unicode has for them: 100², 10⁻⁶, H₂O
//   a letter, a formula    ^ and _: 2^n, e^(-x/2), x_i, a_(i+1)
//   ordinals, abbreviations  as they are spoken: 1st, XIXe, Mme, no
//   notes                  in brackets: text[1]; a mark such as * or ™ stays as it is
//   words                  stand beside the text: "Foo beta"
#include <string>
#include <string_view>

namespace gradus {

enum class Script { super, sub };

// What is written directly behind `before`, the text so far: empty where there is white space between them.
std::string script_text(Script script, std::string_view content, std::string_view before, bool is_note);

}  // namespace gradus
