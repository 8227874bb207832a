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
#include <cstdint>
#include <vector>

namespace gradus {

std::vector<float> alibi_slopes(int H);

struct RelativeBuckets {
    int buckets = 32, farthest = 128;
    bool bidirectional = true;
};

int relative_bucket(const RelativeBuckets&, int64_t distance);

}  // namespace gradus
