#pragma once
// ByteMasks with AVX-512: a comparison of 64 bytes is one instruction, and its result is the mask.
#include <immintrin.h>

#include "tokenizer/scan/byte_masks.h"

namespace gradus {

struct Avx512Bytes {
    static ByteMasks classify(const char* at) {
        const __m512i bytes = _mm512_loadu_si512(at);
        const auto all = [](char c) { return _mm512_set1_epi8(c); };
        const auto is = [&](char c) { return _mm512_cmpeq_epi8_mask(bytes, all(c)); };
        const auto between = [&](__m512i of, char first, char last) {
            return _mm512_cmple_epu8_mask(_mm512_sub_epi8(of, all(first)), all(char(last - first)));
        };
        ByteMasks masks;
        masks.letters = between(_mm512_or_si512(bytes, all(0x20)), 'a', 'z');
        masks.upper = between(bytes, 'A', 'Z');
        masks.numbers = between(bytes, '0', '9');
        masks.newlines = is('\n') | is('\r');
        masks.spaces = is(' ');
        masks.blanks = (between(bytes, 9, 13) & ~masks.newlines) | masks.spaces;
        masks.quotes = is('\'');
        masks.high = _mm512_movepi8_mask(bytes);
        return masks;
    }

    static uint64_t letters(const char* at) {
        const __m512i bytes = _mm512_loadu_si512(at);
        return sure_letters([&](int c) { return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(char(c))); },
                            [&](int first, int last) {
                                return _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(char(first))),
                                                              _mm512_set1_epi8(char(last - first)));
                            });
    }
};

}  // namespace gradus
