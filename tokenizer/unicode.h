#pragma once
// UTF-8 and the three classes of code points that pre-tokenizers need.
//
// Decoding is strict (no overlong forms, no surrogates, nothing above U+10FFFF) and byte by byte: a byte that cannot
// start or continue a character is one invalid unit of length 1, so every byte string has exactly one decoding.
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus {

enum class CharClass : uint8_t { other, letter, number, space };

// The class of a code point from the generated tables (unicode_ranges.h names their Unicode version).
CharClass char_class(char32_t code);
// The same for many: two bits per code point up to U+10FFFF, four code points in a byte.
const uint8_t* packed_classes();

struct Utf8Char {
    char32_t code;  // the byte itself if it is invalid
    int length;     // bytes used, 1 to 4
    bool valid;
};

// The first character of [at, end), which must not be empty.
Utf8Char decode_utf8(const char* at, const char* end);

bool is_utf8(std::string_view text);

// The number of bytes of an incomplete character at the end of `text`: 0 to 3.
size_t incomplete_utf8_tail(std::string_view text);

// The length of the invalid unit at the start of [at, end): the longest run that begins some character, and at least 1.
// One replacement character stands for it (Unicode standard, 3.9, "maximal subpart").
size_t maximal_subpart(const char* at, const char* end);

// The text with one U+FFFD for each maximal subpart that is not UTF-8, as in browsers and Python's "replace".
std::string replace_invalid_utf8(std::string_view bytes);

void append_utf8(std::string& out, char32_t code);

// "U+00E9", for messages.
std::string code_point_name(char32_t code);

}  // namespace gradus
