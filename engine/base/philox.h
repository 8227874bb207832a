#pragma once
// Philox 4x32-10: a counter-based random number generator. random = f(key, counter), no state.
//
// So every random number in gradus is a pure function of its purpose: the initial value of element i of a tensor, the
// dropout of element i at step s, the order of the samples in epoch e. The numbers are the same in a resumed run, on
// any number of ranks and in any order of evaluation.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#include <array>
#include <cmath>
#include <cstdint>

#include "engine/base/fnv.h"

namespace gradus {

struct Philox {
    uint64_t key;

    // The four 32-bit words that belong to (key, high, low).
    constexpr std::array<uint32_t, 4> words(uint64_t low, uint64_t high = 0) const {
        uint32_t c0 = uint32_t(low), c1 = uint32_t(low >> 32), c2 = uint32_t(high), c3 = uint32_t(high >> 32);
        uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
        for (int round = 0; round < 10; ++round) {
            const uint64_t a = uint64_t(0xD2511F53u) * c0, b = uint64_t(0xCD9E8D57u) * c2;
            c0 = uint32_t(b >> 32) ^ c1 ^ k0;
            c1 = uint32_t(b);
            c2 = uint32_t(a >> 32) ^ c3 ^ k1;
            c3 = uint32_t(a);
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        return {c0, c1, c2, c3};
    }

    // 64 random bits.
    constexpr uint64_t bits(uint64_t low, uint64_t high = 0) const {
        const auto w = words(low, high);
        return uint64_t(w[1]) << 32 | w[0];
    }

    // Uniform in [0, 1), 53 bits.
    constexpr double uniform(uint64_t low, uint64_t high = 0) const { return double(bits(low, high) >> 11) * 0x1p-53; }

    // Standard normal (Box and Muller; one of the pair is used, so that a draw needs one counter).
    double normal(uint64_t low, uint64_t high = 0) const {
        const auto w = words(low, high);
        const double u = (double(w[0]) + 0.5) * 0x1p-32, angle = double(w[1]) * 0x1p-32 * 6.283185307179586;
        return std::sqrt(-2 * std::log(u)) * std::cos(angle);
    }
};

// A key for one purpose of one seed: dropout of layer 3, order of epoch 2, …  FNV-1a over the words given.
template <class... Parts>
constexpr uint64_t key_of(uint64_t seed, Parts... parts) {
    uint64_t key = fnv1a(fnv_start, seed);
    ((key = fnv1a(key, uint64_t(parts))), ...);
    return key;
}

}  // namespace gradus
