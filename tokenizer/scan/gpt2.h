#pragma once
// GPT-2's pattern.
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// The alternatives are tried in this order. So a piece is a contraction; a run of one class with at most one U+0020 before it; or white
// space, whose last character is a piece of its own or part of the next unless it is the whole run or ends the text.
// Source: GPT-2's encoder.py.
#include "tokenizer/scan/blocks.h"

namespace gradus {

struct Gpt2Pattern {
    // The length of the contraction at the apostrophe `at`, or 0.
    static int contraction(const char* at, const char* end) {
        if (end - at < 2) return 0;
        const char first = at[1];
        if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
        if (end - at < 3) return 0;
        const char second = at[2];
        return (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l')
                   ? 3
                   : 0;
    }

    static const char* piece_end(const char* at, const char* end) {
        const char* word = at;
        if (*at == '\'') {
            if (const int length = contraction(at, end)) return at + length;
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
        return blank_end(at, end);
    }

    // A word begins where its class does, unless U+0020 precedes it and is part of it; white space at its first and last character.
    static uint64_t starts(const char* at, const ByteMasks& m) {
        const uint64_t white = m.white(), others = m.others();
        const uint64_t same = (m.letters & m.letters << 1) | (m.numbers & m.numbers << 1) | (others & others << 1);
        uint64_t starts = (~white & ~same & ~(m.spaces << 1)) | (white & (~(white << 1) | ~(white >> 1)));
        for (uint64_t quotes = m.quotes & (starts | 1) & below(63); quotes != 0; quotes &= quotes - 1) {
            const int quote = std::countr_zero(quotes);
            if (const int length = contraction(at + quote, at + block_bytes + lookahead)) {
                starts &= ~(uint64_t(1) << (quote + 1));
                if (quote + length < 64) starts |= uint64_t(1) << (quote + length);
            }
        }
        return decided(starts, m.high_spaces, white);
    }
};

}  // namespace gradus
