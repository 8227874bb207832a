#pragma once
// ByteMasks with AVX2: two vectors of 32 bytes.
#include <immintrin.h>

#include "tokenizer/scan/byte_masks.h"

namespace gradus {

struct Avx2Bytes {
    static ByteMasks classify(const char* at) {
        const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)),
                      high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
        const auto all = [](char c) { return _mm256_set1_epi8(c); };
        const auto mask = [](__m256i a, __m256i b) {
            return uint64_t(uint32_t(_mm256_movemask_epi8(a))) | uint64_t(uint32_t(_mm256_movemask_epi8(b))) << 32;
        };
        const auto is = [&](char c) { return mask(_mm256_cmpeq_epi8(low, all(c)), _mm256_cmpeq_epi8(high, all(c))); };
        const auto within = [&](__m256i of, char first, char last) {
            const __m256i offset = _mm256_sub_epi8(of, all(first));
            return _mm256_cmpeq_epi8(_mm256_min_epu8(offset, all(char(last - first))), offset);
        };
        const auto between = [&](char first, char last) {
            return mask(within(low, first, last), within(high, first, last));
        };
        ByteMasks masks;
        const __m256i lower_bit = all(0x20);
        masks.letters =
            mask(within(_mm256_or_si256(low, lower_bit), 'a', 'z'), within(_mm256_or_si256(high, lower_bit), 'a', 'z'));
        masks.upper = between('A', 'Z');
        masks.numbers = between('0', '9');
        masks.newlines = is('\n') | is('\r');
        masks.spaces = is(' ');
        masks.blanks = (between(9, 13) & ~masks.newlines) | masks.spaces;
        masks.quotes = is('\'');
        masks.high = mask(low, high);
        return masks;
    }

    static uint64_t letters(const char* at) {
        const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)),
                      high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
        const auto mask = [](__m256i a, __m256i b) {
            return uint64_t(uint32_t(_mm256_movemask_epi8(a))) | uint64_t(uint32_t(_mm256_movemask_epi8(b))) << 32;
        };
        const auto within = [](__m256i of, int first, int last) {
            const __m256i offset = _mm256_sub_epi8(of, _mm256_set1_epi8(char(first)));
            return _mm256_cmpeq_epi8(_mm256_min_epu8(offset, _mm256_set1_epi8(char(last - first))), offset);
        };
        return sure_letters(
            [&](int c) {
                const __m256i all = _mm256_set1_epi8(char(c));
                return mask(_mm256_cmpeq_epi8(low, all), _mm256_cmpeq_epi8(high, all));
            },
            [&](int first, int last) { return mask(within(low, first, last), within(high, first, last)); });
    }
};

}  // namespace gradus
