#pragma once
// Oniguruma's syntax (that of Ruby) written in PCRE2's.
//
//   \p{..} \w \s \d \h [..] && [[:..:]]   classes of code points, written out
//   \b \B                                 by these word characters
//   \xHH \x{H..} \uHHHH \v                characters
//   (?m) (?i) in a group                  . matches newlines; until the group's end, as one alternative
//   {n,m}+ {n}? {,m}                      a quantifier of a quantifier; not lazy; {0,m}
//
// Everything else means the same in both. ^ and $ match at lines: compile the result with PCRE2_MULTILINE.
#include <string>
#include <string_view>

namespace gradus {

// Error: syntax that has no translation (absent operators, conditions, \y), or is broken.
std::string pattern_for_pcre2(std::string_view pattern);

}  // namespace gradus
