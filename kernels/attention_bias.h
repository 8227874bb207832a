#pragma once
// Tables for the score functions that add to the scores (kernels/attention_score.h), made on the host.
//
// alibi_slopes(H)   the slopes of Press et al.: for H a power of two, 2^(−8(h+1)/H). Other numbers of heads: those of the next
//                   smaller power of two, then every other slope of the next larger one.
// relative_bucket   T5 has a bias per head and bucket of distances u − t (key minus query). Near ones have a bucket each, farther
//                   ones share buckets that grow geometrically to `farthest`. Bidirectional: half of the buckets are for u > t.
//                   Causal: u > t is in bucket 0. With E = half of the buckets of a direction (n in all), and r = |u − t|:
//                     r < E    bucket r
//                     r ≥ E    bucket E + ⌊log(r/E) / log(farthest/E) · (n − E)⌋, at most n − 1
//                   The floor is that of the exact logarithms, computed with integers: ⌊…⌋ ≥ j if and only if
//                   r^(n−E) ≥ farthest^j · E^(n−E−j).
//
// Both kinds of T5 share the last bucket from `farthest` on, so a table of 2·farthest + 1 columns has them all, and the gradient
// of a bucket is the sum of d_bias over its distances.
//
// Sources: Press et al. 2022, appendix and code (get_slopes); Raffel et al. 2020, code of transformers
// (T5Attention._relative_position_bucket).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/base/error.h"

namespace gradus {

inline std::vector<float> alibi_slopes(int H) {
    CHECK(H >= 1, "no heads");
    std::vector<float> slopes;
    int power = 1;
    while (2 * power <= H) power *= 2;
    for (int h = 0; h < power; ++h) slopes.push_back(float(std::exp2(-8.0 * (h + 1) / power)));
    for (int h = 0; h < H - power; ++h) slopes.push_back(float(std::exp2(-8.0 * (2 * h + 1) / (2 * power))));
    return slopes;
}

namespace attention_bias {

// A natural number, its lowest 32 bits first.
using Natural = std::vector<uint32_t>;

inline void multiply(Natural& n, uint32_t by) {
    uint64_t carry = 0;
    for (uint32_t& digit : n) {
        carry += uint64_t(digit) * by;
        digit = uint32_t(carry);
        carry >>= 32;
    }
    if (carry) n.push_back(uint32_t(carry));
}

// a^i · b^j
inline Natural powers(uint32_t a, int i, uint32_t b, int j) {
    Natural n = {1};
    while (i-- > 0) multiply(n, a);
    while (j-- > 0) multiply(n, b);
    return n;
}

inline bool at_least(const Natural& a, const Natural& b) {
    if (a.size() != b.size()) return a.size() > b.size();
    return !std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

}  // namespace attention_bias

struct RelativeBuckets {
    int buckets = 32, farthest = 128;
    bool bidirectional = true;
};

inline int relative_bucket(const RelativeBuckets& of, int64_t distance) {
    using namespace attention_bias;
    const int n = of.bidirectional ? of.buckets / 2 : of.buckets, exact = n / 2;
    CHECK(exact >= 1 && of.farthest > exact, "too few buckets, or a farthest distance among the nearest");
    const int first = of.bidirectional && distance > 0 ? n : 0;
    const int64_t r = of.bidirectional ? std::abs(distance) : std::max<int64_t>(-distance, 0);
    if (r < exact) return first + int(r);
    if (r >= of.farthest) return first + n - 1;
    const Natural far = powers(uint32_t(r), n - exact, 1, 0);
    int step = 0;
    while (step + 1 < n - exact &&
           at_least(far, powers(uint32_t(of.farthest), step + 1, uint32_t(exact), n - exact - step - 1)))
        ++step;
    return first + exact + step;
}

}  // namespace gradus
