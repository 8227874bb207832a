#pragma once
// The classes of 64 bytes as bit masks: bit i is of byte i. With them a scanner finds all pieces that begin in these bytes by a few dozen
// operations on words, without a branch per piece.
#include <bit>
#include <cstdint>
#include <cstring>

#include "tokenizer/scan/characters.h"

namespace gradus {

struct ByteMasks {
    uint64_t letters = 0, numbers = 0;
    uint64_t newlines = 0;  // \r and \n
    uint64_t blanks = 0;    // the other white space
    uint64_t spaces = 0;    // U+0020, which are blanks too
    uint64_t quotes = 0;    // ', which are others too
    uint64_t high = 0;      // bytes that are not ASCII: in no other mask
    uint64_t upper = 0;     // ASCII letters that are upper case
    // Filled by classify_high().
    uint64_t high_spaces = 0,
             high_numbers = 0;  // bytes of white space and numbers that are not ASCII, which are blanks and numbers too
    uint64_t others_of[5] = {};  // by length, 2 to 4: the first bytes of others that are not ASCII

    uint64_t white() const { return blanks | newlines; }
    uint64_t others() const { return ~(letters | numbers | white()); }
    // The last bytes of the others whose first bytes are given.
    uint64_t last_bytes(uint64_t firsts) const {
        const uint64_t long_ones = others_of[2] | others_of[3] | others_of[4];
        return (firsts & ~long_ones) | (firsts & others_of[2]) << 1 | (firsts & others_of[3]) << 2 |
               (firsts & others_of[4]) << 3;
    }
};

// Classifies the characters that are not ASCII: all bytes of a character get its class. `letters` are bytes of some that are known to
// be letters. The block begins with a character, and 4 bytes after it may be read.
inline void classify_high(const char* at, ByteMasks& masks, uint64_t letters) {
    const uint8_t* const packed = packed_classes();
    const char* const end = at + 64 + 4;
    uint64_t of[4] = {};  // by CharClass
    of[int(CharClass::letter)] = letters;
    for (uint64_t left = masks.high & ~letters; left != 0;) {
        const int i = std::countr_zero(left);
        uint32_t bytes;
        std::memcpy(&bytes, at + i, sizeof bytes);
        CharClass kind;
        int length;
        // Three bytes from U+1000 to U+CFFF, then two: neither can be overlong, nor a surrogate.
        if ((bytes & 0xC0C0F0) == 0x8080E0 && (bytes & 0xF) - 1u < 0xC) {
            const uint32_t code = (bytes & 0xF) << 12 | (bytes >> 2 & 0xFC0) | (bytes >> 16 & 0x3F);
            kind = CharClass(packed[code / 4] >> (code % 4 * 2) & 3), length = 3;
        } else if ((bytes & 0xC0E0) == 0x80C0 && (bytes & 0x1E) != 0) {
            const uint32_t code = (bytes & 0x1F) << 6 | (bytes >> 8 & 0x3F);
            kind = CharClass(packed[code / 4] >> (code % 4 * 2) & 3), length = 2;
        } else {
            const Classified character = classify_non_ascii(at + i, end);
            kind = character.of, length = character.length;
        }
        const uint64_t bits = ((uint64_t(1) << length) - 1) << i;
        left &= ~bits;
        of[int(kind)] |= bits;
        if (kind == CharClass::other) masks.others_of[length] |= uint64_t(1) << i;
    }
    masks.letters |= of[int(CharClass::letter)];
    masks.numbers |= of[int(CharClass::number)];
    masks.blanks |= of[int(CharClass::space)];
    masks.high_numbers = of[int(CharClass::number)];
    masks.high_spaces = of[int(CharClass::space)];
}

// Some characters that are surely letters, from masks of bytes: is(c) of those equal to c, in(first, last) of those between. A block
// that begins with a character, and of each character the bytes in the block.
//   D0 and D1: Cyrillic, U+0400 to U+047F; C3 but 97 and B7: Latin, U+00C0 to U+00FF
//   E5 to E9: U+5000 to U+9FFF, most ideographs; EB and EC: U+B000 to U+CFFF, most of Hangul
//   E3 81, and after E3 82 and E3 83: kana but what is beside the tables' letters
template <class Is, class In>
uint64_t sure_letters(const Is& is, const In& in) {
    const uint64_t follows = in(0x80, 0xBF), followed = follows >> 1, twice = followed & follows >> 2;
    const uint64_t in_e3 = is(0xE3) << 1;
    const uint64_t kana = ((in_e3 & is(0x81)) << 1 & in(0x81, 0xBF)) |
                          ((in_e3 & is(0x82)) << 1 & (in(0x80, 0x96) | in(0x9D, 0x9F) | in(0xA1, 0xBF))) |
                          ((in_e3 & is(0x83)) << 1 & follows & ~is(0xBB));
    const uint64_t two = ((is(0xD0) | is(0xD1)) & followed) | (is(0xC3) & (follows & ~is(0x97) & ~is(0xB7)) >> 1);
    const uint64_t three = (in(0xE5, 0xE9) | in(0xEB, 0xEC)) & twice;
    return two | two << 1 | three | three << 1 | three << 2 | kana | kana >> 1 | kana >> 2;
}

// Any machine.
struct PlainBytes {
    static uint64_t letters(const char*) { return 0; }

    static ByteMasks classify(const char* at) {
        ByteMasks masks;
        for (int i = 0; i < 64; ++i) {
            const char c = at[i];
            const ByteClass of = byte_classes[uint8_t(c)];
            const auto bit = [i](bool set) { return uint64_t(set) << i; };
            masks.letters |= bit(of == ByteClass::letter);
            masks.upper |= bit(c >= 'A' && c <= 'Z');
            masks.numbers |= bit(of == ByteClass::number);
            masks.newlines |= bit(is_newline(c));
            masks.blanks |= bit(of == ByteClass::space && !is_newline(c));
            masks.spaces |= bit(c == ' ');
            masks.quotes |= bit(c == '\'');
            masks.high |= bit(of == ByteClass::non_ascii);
        }
        return masks;
    }
};

}  // namespace gradus
