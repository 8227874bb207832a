#pragma once
// Character classes of Oniguruma: properties by name, and what [...] contains. Only pattern_syntax.cpp includes this.
#include <string>
#include <string_view>

#include "tokenizer/split/code_set.h"

namespace gradus {

// A class as it is written: a set, or everything but the set. The difference matters where case is ignored.
struct CharacterClass {
    CodeSet set;
    bool negated = false;

    CodeSet resolved() const { return negated ? set.complement() : set; }
};

// The class of \p{name}, \P{name} and [:name:]: a general category, a script, or one of Oniguruma's names. Names are compared without case,
// spaces, hyphens and underscores; ^ before one negates. Error: there is none of this name.
CharacterClass property_class(std::string_view name);

// The class of the letter after a backslash: d, D, w, W, s, S, h, H. False if it names none.
bool escape_class(char letter, CharacterClass& out);

// The class at pattern[at] == '['; `at` becomes the position after it. Error: it has no end, or is nested deeply.
CharacterClass bracket_class(std::string_view pattern, size_t& at);

// A character that is written as an escape, at pattern[at] after the backslash; `at` becomes the position after it.
char32_t escaped_character(std::string_view pattern, size_t& at);

// "[\x{41}-\x{5A}]" in the syntax of PCRE2.
std::string write_class(const CharacterClass& character_class);

[[noreturn]] void refuse_pattern(std::string_view pattern, const std::string& cause);

}  // namespace gradus
