#pragma once
// What Split and Replace look for: a text, or a regular expression in the syntax of Oniguruma.
#include <string>

namespace gradus::parts {

struct Pattern {
    bool is_regex = false;
    std::string text;

    bool operator==(const Pattern&) const = default;
};

}  // namespace gradus::parts
