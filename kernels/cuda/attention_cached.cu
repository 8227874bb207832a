// Attention for generation on a GPU. The formulas are in kernels/attention.h.
//
// Plan. First every row's keys and values go to their slots, one thread per element; then every row attends, one warp per
// (n, h), as in attention_forward.cu. Two kernels, because a row attends to slots that other rows of this call write.
#include "kernels/attention.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

namespace {

// Where a cache [S,G,P,D] keeps position u of head g of sequence q.
struct Cache {
    int64_t S, G, P, D;

    __device__ int64_t slot(int64_t q, int64_t g, int64_t u) const { return ((q * G + g) * P + u) * D; }
};

template <class Scalar>
__global__ void cache_write_kernel(Scalar* k_cache, Scalar* v_cache, const Scalar* qkv, const int32_t* sequence,
                                   const int32_t* position, int64_t N, QkvRow at, Cache cache) {
    const int64_t i = element(), d = i % at.D, g = i / at.D % at.G, n = i / at.D / at.G;
    if (n >= N) return;
    device_check(sequence[n] >= 0 && sequence[n] < cache.S);
    device_check(position[n] >= 0 && position[n] < cache.P);
    const int64_t slot = cache.slot(sequence[n], g, position[n]) + d;
    k_cache[slot] = qkv[at.key(n, g) + d];
    v_cache[slot] = qkv[at.value(n, g) + d];
}

template <class Scalar>
__global__ void attention_cached_kernel(Scalar* y, const Scalar* k_cache, const Scalar* v_cache, const Scalar* qkv,
                                        const int32_t* sequence, const int32_t* position, const int32_t* lo, int64_t N,
                                        QkvRow at, Cache cache, float scale) {
    DYNAMIC_SHARED(float, shared);
    const int64_t query = row(), h = query % at.H, n = query / at.H;
    if (n >= N) return;
    device_check(lo[n] >= 0);
    const int64_t begin = cache.slot(sequence[n], at.group(h), 0);
    attend(y + query * at.D, shared + threadIdx.y * at.D, qkv + at.query(n, h), k_cache + begin, v_cache + begin, at.D,
           lo[n], position[n] + 1, at.D, scale);
}

}  // namespace

void attention_cached(const AttentionCached& a, Stream s) {
    const int64_t N = a.qkv.rows();
    const QkvRow at = {a.H, a.G, a.D};
    const Cache cache = {a.k_cache.shape.dim[0], a.G, a.k_cache.shape.dim[2], a.D};
    const int32_t *sequence = a.sequence.as<int32_t>(), *position = a.position.as<int32_t>();
    by_dtype(a.qkv.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(cache_write_kernel<Scalar>, N * a.G * a.D, s, a.k_cache.as<Scalar>(), a.v_cache.as<Scalar>(),
                        a.qkv.as<Scalar>(), sequence, position, N, at, cache);
        launch_rows_with(a.D, attention_cached_kernel<Scalar>, N * a.H, s, a.y.as<Scalar>(), a.k_cache.as<Scalar>(),
                         a.v_cache.as<Scalar>(), a.qkv.as<Scalar>(), sequence, position, a.lo.as<int32_t>(), N, at,
                         cache, float(a.scale));
    });
}

}  // namespace gradus::DEVICE
