#pragma once
// A text as a sequence of units: a character, or a byte that is not UTF-8, which is 0x110000 + the byte here. Nothing classifies, changes or
// joins such a byte, so it comes through every step as it is.
#include <string>
#include <string_view>

#include "tokenizer/unicode.h"

namespace gradus {

inline constexpr char32_t invalid_byte = 0x110000;

struct Unit {
    char32_t code;
    uint32_t length;  // bytes
};

// The unit that begins at `at` < text.size().
inline Unit unit_at(std::string_view text, size_t at) {
    const uint8_t first = uint8_t(text[at]);
    if (first < 0x80) return {first, 1};
    const Utf8Char next = decode_utf8(text.data() + at, text.data() + text.size());
    return {next.valid ? next.code : invalid_byte + first, uint32_t(next.length)};
}

// The beginning of the unit that has the byte `at` < text.size().
inline size_t unit_begin(std::string_view text, size_t at) {
    for (size_t back = 0; back < 4 && back <= at; ++back) {
        if ((uint8_t(text[at - back]) & 0xC0) == 0x80) continue;
        return at - back + unit_at(text, at - back).length > at ? at - back : at;
    }
    return at;
}

inline void append_unit(std::string& out, char32_t code) {
    if (code < 0x80) out += char(code);
    else if (code >= invalid_byte) out += char(uint8_t(code - invalid_byte));
    else append_utf8(out, code);
}

inline uint32_t unit_length(char32_t code) {
    return code < 0x80 || code >= invalid_byte ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

// The first byte from `at` on that is not ASCII.
size_t ascii_end(std::string_view text, size_t at);

}  // namespace gradus
