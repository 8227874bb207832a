// Attention for generation on a GPU. The formulas are in kernels/attention.h.
//
// Plan. The first kernel writes the keys and values of every row to its slot, one thread per element. The second computes
// attention, one warp per (n, h), as in attention/any_width_forward.cu. They are separate because a row attends to slots that other rows
// of this call write.
#include "kernels/attention.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

namespace {

// A cache [S,G,P,D]. slot(): the index of position u of head g of sequence q.
struct Cache {
    int64_t S, G, P, D;

    __device__ int64_t slot(int64_t q, int64_t g, int64_t u) const { return ((q * G + g) * P + u) * D; }
};

template <class Scalar>
__global__ void cache_write_kernel(Scalar* k_cache, Scalar* v_cache, HeadRows<const Scalar> k, HeadRows<const Scalar> v,
                                   const int32_t* sequence, const int32_t* position, int64_t N, Cache cache) {
    const int64_t i = element(), d = i % cache.D, g = i / cache.D % cache.G, n = i / cache.D / cache.G;
    if (n >= N) return;
    device_check(sequence[n] >= 0 && sequence[n] < cache.S);
    device_check(position[n] >= 0 && position[n] < cache.P);
    const int64_t slot = cache.slot(sequence[n], g, position[n]) + d;
    k_cache[slot] = k.at(0, n, g)[d];
    v_cache[slot] = v.at(0, n, g)[d];
}

template <class Scalar, class Score>
__global__ void attention_cached_kernel(HeadRows<Scalar> y, const Scalar* k_cache, const Scalar* v_cache,
                                        HeadRows<const Scalar> q, const int32_t* sequence, const int32_t* position,
                                        const int32_t* lo, int64_t N, int64_t H, Cache cache, float scale,
                                        Score score) {
    DYNAMIC_SHARED(float, shared);
    const int64_t h = row() % H, n = row() / H;
    if (n >= N) return;
    device_check(lo[n] >= 0);
    const int64_t begin = cache.slot(sequence[n], h * cache.G / H, 0);
    const OneHead<Scalar> keys = {k_cache + begin, cache.D}, values = {v_cache + begin, cache.D};
    attend(y.at(0, n, h), shared + threadIdx.y * cache.D, q.at(0, n, h), keys, values, lo[n], position[n] + 1, cache.D,
           scale, QueryScore<Score>{score, sequence[n], h, position[n]});
}

}  // namespace

void attention_cached(const AttentionCached& a, Stream s) {
    const int64_t N = a.q.rows();
    const Cache cache = {a.k_cache.shape.dim[0], a.G, a.k_cache.shape.dim[2], a.D};
    const int32_t *sequence = a.sequence.as<int32_t>(), *position = a.position.as<int32_t>();
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const auto rows = [&](const Tensor& t) { return heads_of<const Scalar>(t, N, a.D); };
        launch_elements(cache_write_kernel<Scalar>, N * a.G * a.D, s, a.k_cache.as<Scalar>(), a.v_cache.as<Scalar>(),
                        rows(a.k), rows(a.v), sequence, position, N, cache);
        by_score(a.score, [&](auto score) {
            launch_rows_with(a.D, attention_cached_kernel<Scalar, decltype(score)>, N * a.H, s,
                             heads_of<Scalar>(a.y, N, a.D), a.k_cache.as<Scalar>(), a.v_cache.as<Scalar>(), rows(a.q),
                             sequence, position, a.lo.as<int32_t>(), N, int64_t(a.H), cache, float(a.scale), score);
        });
    });
}

}  // namespace gradus::DEVICE
