// Attention with a cache for any head width and alignment. The formulas are in kernels/attention.h.
//
// Plan. One warp per (n, h), as in attention forward: attend() in kernels/cuda/attention.h.
#include "kernels/cuda/attention.h"
#include "kernels/cuda/decoding/decoding.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar, class Score>
__global__ void attention_cached_kernel(HeadRows<Scalar> y, Cache<const Scalar> cache, HeadRows<const Scalar> q,
                                        RowPlaces rows, int64_t H, float scale, Score score) {
    DYNAMIC_SHARED(float, shared);
    const int64_t h = row() % H, n = row() / H;
    if (n >= rows.N) return;
    const int32_t sequence = rows.sequence[n], position = rows.position[n], lo = rows.lo[n];
    device_check(lo >= 0);
    const int64_t begin = cache.slot(sequence, h * cache.G / H, 0);
    const OneHead<Scalar> keys = {cache.k + begin, cache.D}, values = {cache.v + begin, cache.D};
    attend(y.at(0, n, h), shared + threadIdx.y * cache.D, q.at(0, n, h), keys, values, lo, position + 1, cache.D, scale,
           QueryScore<Score>{score, sequence, h, position});
}

}  // namespace

void attention_cached_any_width(const AttentionCached& a, Stream s) {
    const RowPlaces rows = places_of(a);
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_score(a.score, [&](auto score) {
            launch_rows_with(a.D, attention_cached_kernel<Scalar, decltype(score)>, int64_t(rows.N) * a.H, s,
                             heads_of<Scalar>(a.y, rows.N, a.D), cache_of<const Scalar>(a),
                             heads_of<const Scalar>(a.q, rows.N, a.D), rows, int64_t(a.H), float(a.scale), score);
        });
    });
}

}  // namespace gradus::DEVICE
