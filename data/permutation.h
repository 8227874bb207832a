#pragma once
// A random permutation of n items without a list: at(i) is computed in constant time and memory.
//
// An unbalanced Feistel network over pairs (left, right) with left < a, right < b, a·b ≥ n; a result ≥ n is mapped
// again ("cycle walking"), which keeps it a bijection. a = ⌈√n⌉ and b = ⌈n/a⌉, so a·b − n < a and repeats are rare.
// Source: Black, Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002 (the generalised Feistel method).
#include <cmath>
#include <cstdint>

#include "engine/base/philox.h"

namespace gradus {

class Permutation {
public:
    Permutation(int64_t n, uint64_t key) : n_(uint64_t(n)), random_{key} {
        a_ = uint64_t(std::ceil(std::sqrt(double(n_))));
        if (a_ == 0) a_ = 1;
        b_ = (n_ + a_ - 1) / a_;
    }

    int64_t at(int64_t i) const {
        uint64_t x = uint64_t(i);
        do x = once(x);
        while (x >= n_);
        return int64_t(x);
    }

private:
    uint64_t once(uint64_t x) const {
        uint64_t left = x / b_, right = x % b_;
        for (uint64_t round = 0; round < 6; ++round) {
            // Reduced before the sum: a sum that wraps at 2^64 would map two pairs to the same one.
            left = (left + random_.bits(right, 2 * round) % a_) % a_;
            right = (right + random_.bits(left, 2 * round + 1) % b_) % b_;
        }
        return left * b_ + right;
    }

    uint64_t n_, a_, b_;
    Philox random_;
};

}  // namespace gradus
