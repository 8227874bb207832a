#pragma once
// Vectorised Philox: the same words as engine/base/philox.h, for `counters` counters at once. A counter's four words are in the
// lower halves of 64-bit lanes, for the 32×32-bit multiply instruction; the upper halves are ignored.
#include "kernels/cpu/vector.h"

namespace gradus::cpu {

constexpr int counters = width;  // in two groups, whose multiplications hide each other's latency

struct PhiloxState {
    Longs word[2][4];
};

inline __attribute__((always_inline)) void philox_rounds(PhiloxState& s, uint64_t key) {
    uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
    const Longs m0 = 0xD2511F53u - Longs{}, m1 = 0xCD9E8D57u - Longs{};
    for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 2
        for (auto& c : s.word) {
            const Longs a = multiply_lower(c[0], m0), b = multiply_lower(c[2], m1);
            c[0] = (b >> 32) ^ c[1] ^ uint64_t(k0);
            c[1] = b;
            c[2] = (a >> 32) ^ c[3] ^ uint64_t(k1);
            c[3] = a;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

template <size_t... lane>
inline Longs longs_from(uint64_t first, std::index_sequence<lane...>) {
    return Longs{lane...} + first;
}
inline Longs longs_from(uint64_t first) { return longs_from(first, std::make_index_sequence<width / 2>{}); }

// The four words of each counter, one counter after the other.
inline __attribute__((always_inline)) void interleave(uint32_t* out, const PhiloxState& s) {
    uint64_t pairs[2 * counters];
    for (int g = 0; g < 2; ++g) {
        const Longs first = (s.word[g][0] & 0xffffffffu) | s.word[g][1] << 32,
                    second = (s.word[g][2] & 0xffffffffu) | s.word[g][3] << 32;
        for (int i = 0; i < width / 2; ++i) {
            pairs[g * width + 2 * i] = first[i];
            pairs[g * width + 2 * i + 1] = second[i];
        }
    }
    std::memcpy(out, pairs, sizeof pairs);
}

// out[4·i + k] = Philox{key}.words(low, high + i)[k] for i in [0, counters)
inline __attribute__((always_inline)) void all_words(uint32_t* out, uint64_t key, uint64_t low, uint64_t high) {
    PhiloxState s;
    for (int g = 0; g < 2; ++g) {
        const Longs number = longs_from(high + uint64_t(g * width / 2));
        s.word[g][0] = low - Longs{};
        s.word[g][1] = (low >> 32) - Longs{};
        s.word[g][2] = number;
        s.word[g][3] = number >> 32;
    }
    philox_rounds(s, key);
    interleave(out, s);
}

// out[4·i + k] = Philox{key}.words(low + i)[k] for i in [0, counters)
inline __attribute__((always_inline)) void all_words(uint32_t* out, uint64_t key, uint64_t low) {
    PhiloxState s;
    for (int g = 0; g < 2; ++g) {
        const Longs number = longs_from(low + uint64_t(g * width / 2));
        s.word[g][0] = number;
        s.word[g][1] = number >> 32;
        s.word[g][2] = s.word[g][3] = Longs{};
    }
    philox_rounds(s, key);
    interleave(out, s);
}
}  // namespace gradus::cpu
