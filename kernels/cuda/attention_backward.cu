// Attention backward on a GPU. The formulas are in kernels/attention.h.
//
// Plan. Three kernels, none with atomics; p is computed again from lse in two of them.
//   delta       One warp per query (b, h, t).
//   d_q         One warp per query: it walks the keys that the query sees, in their order.
//   d_k, d_v    One warp per key (b, g, u): it walks the query heads of its group and the queries that see the key, in
//               their order. lo and hi never decrease, so these queries are neighbours: from the first with hi > u to
//               before the first with lo > u.
// The lanes share the D channels, so every row is read coalesced.
#include "kernels/attention.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
__global__ void attention_delta_kernel(float* delta, const Scalar* d_y, const Scalar* y, int64_t B, int64_t T,
                                       QkvRow at) {
    const auto [b, h, t] = place_of(row(), at.H, T);
    if (b >= B) return;
    const int64_t begin = ((b * T + t) * at.H + h) * at.D;
    const float mine = dot(d_y + begin, y + begin, at.D);
    if (threadIdx.x == 0) delta[row()] = mine;
}

// p and d_s of one query and one key.
struct Pair {
    float p, d_s;
};

template <class Scalar>
__device__ Pair pair_of(const Scalar* q, const Scalar* k, const Scalar* v, const Scalar* d_y, float lse, float delta,
                        int64_t D, float scale) {
    const float p = expf(scale * dot(q, k, D) - lse);
    return {p, p * (dot(d_y, v, D) - delta) * scale};
}

template <class Scalar>
__global__ void attention_query_kernel(Scalar* d_qkv, const Scalar* d_y, const Scalar* qkv, const float* lse,
                                       const float* delta, const int32_t* lo, const int32_t* hi, int64_t B, int64_t T,
                                       QkvRow at, float scale) {
    DYNAMIC_SHARED(float, shared);
    const auto [b, h, t] = place_of(row(), at.H, T);
    if (b >= B) return;
    const auto [first, last] = interval_of(lo, hi, b, t, T);
    const int64_t n = b * T + t, g = at.group(h);
    const Scalar *const q = qkv + at.query(n, h), *const d_out = d_y + (n * at.H + h) * at.D;
    float* const d_q = shared + threadIdx.y * at.D;

    for (int64_t d = threadIdx.x; d < at.D; d += warp) d_q[d] = 0;
    for (int64_t u = first; u < last; ++u) {
        const Scalar *const k = qkv + at.key(b * T + u, g), *const v = qkv + at.value(b * T + u, g);
        const float d_s = pair_of(q, k, v, d_out, lse[row()], delta[row()], at.D, scale).d_s;
        for (int64_t d = threadIdx.x; d < at.D; d += warp) d_q[d] += d_s * float(k[d]);
    }
    for (int64_t d = threadIdx.x; d < at.D; d += warp) d_qkv[at.query(n, h) + d] = Scalar(d_q[d]);
}

// The first t with values[t] > u, or T; values never decrease.
__device__ int64_t first_above(const int32_t* values, int64_t T, int64_t u) {
    int64_t first = 0, last = T;
    while (first < last) {
        const int64_t middle = (first + last) / 2;
        if (values[middle] > u) last = middle;
        else first = middle + 1;
    }
    return first;
}

template <class Scalar>
__global__ void attention_key_kernel(Scalar* d_qkv, const Scalar* d_y, const Scalar* qkv, const float* lse,
                                     const float* delta, const int32_t* lo, const int32_t* hi, int64_t B, int64_t T,
                                     QkvRow at, float scale) {
    DYNAMIC_SHARED(float, shared);
    const auto [b, g, u] = place_of(row(), at.G, T);
    if (b >= B) return;
    const int64_t first = first_above(hi + b * T, T, u), last = first_above(lo + b * T, T, u);
    const int64_t m = b * T + u, members = at.H / at.G;
    const Scalar *const k = qkv + at.key(m, g), *const v = qkv + at.value(m, g);
    float *const d_k = shared + threadIdx.y * 2 * at.D, *const d_v = d_k + at.D;

    for (int64_t d = threadIdx.x; d < at.D; d += warp) d_k[d] = d_v[d] = 0;
    for (int64_t h = g * members; h < (g + 1) * members; ++h)
        for (int64_t t = first; t < last; ++t) {
            const int64_t n = b * T + t, query = (b * at.H + h) * T + t;
            const Scalar *const q = qkv + at.query(n, h), *const d_out = d_y + (n * at.H + h) * at.D;
            const auto [p, d_s] = pair_of(q, k, v, d_out, lse[query], delta[query], at.D, scale);
            for (int64_t d = threadIdx.x; d < at.D; d += warp) {
                d_v[d] += p * float(d_out[d]);
                d_k[d] += d_s * float(q[d]);
            }
        }
    for (int64_t d = threadIdx.x; d < at.D; d += warp) {
        d_qkv[at.key(m, g) + d] = Scalar(d_k[d]);
        d_qkv[at.value(m, g) + d] = Scalar(d_v[d]);
    }
}

}  // namespace

void attention_backward(const AttentionBackward& a, Stream s) {
    const QkvRow at = {a.H, a.G, a.D};
    const int64_t B = a.B, T = a.T, queries = B * T * a.H, keys = B * T * a.G;
    const int32_t *lo = a.lo.as<int32_t>(), *hi = a.hi.as<int32_t>();
    const float *lse = a.lse.as<float>(), scale = float(a.scale);
    float* const delta = a.delta.as<float>();
    by_dtype(a.qkv.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const Scalar *d_y = a.d_y.as<Scalar>(), *qkv = a.qkv.as<Scalar>(), *y = a.y.as<Scalar>();
        Scalar* const d_qkv = a.d_qkv.as<Scalar>();
        launch_rows(attention_delta_kernel<Scalar>, queries, s, delta, d_y, y, B, T, at);
        launch_rows_with(a.D, attention_query_kernel<Scalar>, queries, s, d_qkv, d_y, qkv, lse, delta, lo, hi, B, T, at,
                         scale);
        launch_rows_with(2 * a.D, attention_key_kernel<Scalar>, keys, s, d_qkv, d_y, qkv, lse, delta, lo, hi, B, T, at,
                         scale);
    });
}

}  // namespace gradus::DEVICE
