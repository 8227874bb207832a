#pragma once
// The class of the character at an address, for the scanners: ASCII by a table of bytes, the rest by unicode.h.
#include <array>
#include <cstdint>

#include "tokenizer/unicode.h"

namespace gradus {

// The class of each ASCII byte, and a marker for bytes that must be decoded first.
enum class ByteClass : uint8_t { other, letter, number, space, non_ascii };

constexpr std::array<ByteClass, 256> make_byte_classes() {
    std::array<ByteClass, 256> classes{};
    for (int byte = 0; byte < 256; ++byte) {
        const int lower = byte | 0x20;
        classes[byte] = byte >= 0x80                               ? ByteClass::non_ascii
                        : lower >= 'a' && lower <= 'z'             ? ByteClass::letter
                        : byte >= '0' && byte <= '9'               ? ByteClass::number
                        : byte == ' ' || (byte >= 9 && byte <= 13) ? ByteClass::space
                                                                   : ByteClass::other;
    }
    return classes;
}

inline constexpr std::array<ByteClass, 256> byte_classes = make_byte_classes();

struct Classified {
    CharClass of;
    int length;
};

// Bytes that are not UTF-8 are `other`, one by one.
inline Classified classify_non_ascii(const char* at, const char* end) {
    const Utf8Char next = decode_utf8(at, end);
    return {next.valid ? char_class(next.code) : CharClass::other, next.length};
}

inline Classified classify(const char* at, const char* end) {
    const ByteClass quick = byte_classes[uint8_t(*at)];
    if (quick != ByteClass::non_ascii) return {CharClass(quick), 1};
    return classify_non_ascii(at, end);
}

// The end of the run of `wanted` characters at `at`.
template <CharClass wanted>
inline const char* run_end(const char* at, const char* end) {
    while (at < end) {
        const ByteClass quick = byte_classes[uint8_t(*at)];
        if (quick == ByteClass(wanted)) {
            ++at;
        } else if (quick != ByteClass::non_ascii) {
            break;
        } else {
            const Classified next = classify_non_ascii(at, end);
            if (next.of != wanted) break;
            at += next.length;
        }
    }
    return at;
}

inline bool is_newline(char c) { return c == '\r' || c == '\n'; }

// The end of white space at `at` without a line break in it: a run leaves its last character to what follows, unless it has only one
// or ends the text. \s+(?!\S)|\s+
inline const char* blank_end(const char* at, const char* end) {
    const char* last = at;
    const char* next = at;
    while (next < end) {
        const Classified character = classify(next, end);
        if (character.of != CharClass::space) return last == at ? next : last;
        last = next;
        next += character.length;
    }
    return end;
}

}  // namespace gradus
