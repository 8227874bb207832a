#pragma once
// Philox (engine/base/philox.h) for many counters at once: the same words, laid out so that compilers vectorise the rounds.
#include <bit>
#include <cstdint>

#include "kernels/cpu/vector.h"

namespace gradus::cpu {

constexpr int counters = 2 * width;  // at once

struct PhiloxWords {
    uint32_t word[4][counters];  // word[k][i] = Philox{key}.words(…)[k] of counter i
};

// The counters of which the caller has filled the four words.
inline __attribute__((always_inline)) void philox_rounds(PhiloxWords& c, uint64_t key) {
    uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
    for (int round = 0; round < 10; ++round) {
#pragma omp simd
        for (int i = 0; i < counters; ++i) {
            const uint64_t a = uint64_t(0xD2511F53u) * c.word[0][i], b = uint64_t(0xCD9E8D57u) * c.word[2][i];
            c.word[0][i] = uint32_t(b >> 32) ^ c.word[1][i] ^ k0;
            c.word[1][i] = uint32_t(b);
            c.word[2][i] = uint32_t(a >> 32) ^ c.word[3][i] ^ k1;
            c.word[3][i] = uint32_t(a);
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

// words(low + i, high) for i in [0, counters)
inline __attribute__((always_inline)) PhiloxWords philox_along_low(uint64_t key, uint64_t low, uint64_t high) {
    PhiloxWords c;
    for (int i = 0; i < counters; ++i) {
        c.word[0][i] = uint32_t(low + uint64_t(i));
        c.word[1][i] = uint32_t((low + uint64_t(i)) >> 32);
        c.word[2][i] = uint32_t(high);
        c.word[3][i] = uint32_t(high >> 32);
    }
    philox_rounds(c, key);
    return c;
}

// words(low, high + i) for i in [0, counters)
inline __attribute__((always_inline)) PhiloxWords philox_along_high(uint64_t key, uint64_t low, uint64_t high) {
    PhiloxWords c;
    for (int i = 0; i < counters; ++i) {
        c.word[0][i] = uint32_t(low);
        c.word[1][i] = uint32_t(low >> 32);
        c.word[2][i] = uint32_t(high + uint64_t(i));
        c.word[3][i] = uint32_t((high + uint64_t(i)) >> 32);
    }
    philox_rounds(c, key);
    return c;
}

}  // namespace gradus::cpu
