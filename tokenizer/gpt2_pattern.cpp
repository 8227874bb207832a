// GPT-2's pre-tokenizer as a hand-written scanner.
#include "tokenizer/gpt2_pattern.h"

#include <array>
#include <cstdint>

#include "tokenizer/unicode.h"

namespace gradus {

namespace {

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

constexpr std::array<ByteClass, 256> byte_classes = make_byte_classes();

struct Classified {
    CharClass of;
    int length;
};

Classified classify_non_ascii(const char* at, const char* end) {
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

// The end of the contraction at the apostrophe `at`, or `at` itself if there is none.
inline const char* contraction_end(const char* at, const char* end) {
    if (end - at < 2) return at;
    const char first = at[1];
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
    if (end - at < 3) return at;
    const char second = at[2];
    if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l'))
        return at + 3;
    return at;
}

// The end of the white space at `at` if its first character belongs to no word. A run leaves its last character to the
// next word, unless it has only one.
const char* space_end(const char* at, const char* end) {
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

}  // namespace

const char* gpt2_piece_end(const char* at, const char* end) {
    const char* word = at;
    if (*at == '\'') {
        const char* const contraction = contraction_end(at, end);
        if (contraction != at) return contraction;
    } else if (*at == ' ') {
        if (++word == end) return end;
    }
    const Classified first = classify(word, end);
    switch (first.of) {
        case CharClass::letter: return run_end<CharClass::letter>(word + first.length, end);
        case CharClass::number: return run_end<CharClass::number>(word + first.length, end);
        case CharClass::other: return run_end<CharClass::other>(word + first.length, end);
        case CharClass::space: break;
    }
    return space_end(at, end);
}

}  // namespace gradus
