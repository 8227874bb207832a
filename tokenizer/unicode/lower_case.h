#pragma once
// Lower case, one code point at a time and without context: Unicode's full mapping, which makes two code points of U+0130.
#include <cstdint>

namespace gradus {

struct LowerCase {
    char32_t first;
    char32_t second;  // 0 if there is none
};

LowerCase lower_case(char32_t code);

}  // namespace gradus
