// Attention backward on a GPU. The formulas are in kernels/attention.h.
//
// Plan. Three kernels without atomics; two of them recompute p from lse. The gradient of a relative bias is in
// attention_bias.cu.
//   delta       One warp per query (b, h, t).
//   d_q         One warp per query: loops over the keys of the query, in order.
//   d_k, d_v    One warp per key (b, g, u): loops over the query heads of its group and the queries that attend to the key, in
//               order. lo and hi never decrease, so these queries are consecutive: from the first with hi > u to before the
//               first with lo > u.
// The lanes share the D channels, so all row accesses are coalesced.
#include "kernels/attention.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/attention/attention_ops.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
__global__ void any_width_delta_kernel(float* delta, HeadRows<const Scalar> d_y, HeadRows<const Scalar> y,
                                       HeadSizes of) {
    const auto [b, h, t] = row_index(row(), of.H, of.Tq);
    if (b >= of.B) return;
    const float mine = dot(d_y.at(b, t, h), y.at(b, t, h), of.D);
    if (threadIdx.x == 0) delta[row()] = mine;
}

// p and d_s of query q and key u.
struct Pair {
    float p, d_s;
};

template <class Scalar, class Score>
__device__ Pair pair_of(const Scalar* q, const Scalar* k, const Scalar* v, const Scalar* d_y, float lse, float delta,
                        int64_t D, float scale, const QueryScore<Score>& score, int64_t u) {
    const float s = scale * dot(q, k, D), p = expf(score(s, u) - lse);
    return {p, score.backward(p * (dot(d_y, v, D) - delta), s, u) * scale};
}

// The inputs of both kernels.
template <class Scalar>
struct Operands {
    HeadRows<const Scalar> d_y, q, k, v;
    const float *lse, *delta;
    const int32_t *lo, *hi;
};

template <class Scalar, class Score>
__global__ void attention_query_kernel(HeadRows<Scalar> d_q, Operands<Scalar> in, HeadSizes of, float scale,
                                       Score score_function) {
    DYNAMIC_SHARED(float, shared);
    const auto [b, h, t] = row_index(row(), of.H, of.Tq);
    if (b >= of.B) return;
    const auto [first, last] = interval_of(in.lo, in.hi, b, t, of);
    const int64_t g = of.group(h);
    const QueryScore<Score> score = {score_function, b, h, t};
    const Scalar *const q = in.q.at(b, t, h), *const d_out = in.d_y.at(b, t, h);
    float* const sums = shared + threadIdx.y * of.D;

    for (int64_t d = threadIdx.x; d < of.D; d += warp) sums[d] = 0;
    for (int64_t u = first; u < last; ++u) {
        const Scalar *const k = in.k.at(b, u, g), *const v = in.v.at(b, u, g);
        const float d_s = pair_of(q, k, v, d_out, in.lse[row()], in.delta[row()], of.D, scale, score, u).d_s;
        for (int64_t d = threadIdx.x; d < of.D; d += warp) sums[d] += d_s * float(k[d]);
    }
    for (int64_t d = threadIdx.x; d < of.D; d += warp) d_q.at(b, t, h)[d] = Scalar(sums[d]);
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

template <class Scalar, class Score>
__global__ void attention_key_kernel(HeadRows<Scalar> d_k, HeadRows<Scalar> d_v, Operands<Scalar> in, HeadSizes of,
                                     float scale, Score score) {
    DYNAMIC_SHARED(float, shared);
    const auto [b, g, u] = row_index(row(), of.G, of.Tk);
    if (b >= of.B) return;
    const int64_t first = first_above(in.hi + b * of.Tq, of.Tq, u), last = first_above(in.lo + b * of.Tq, of.Tq, u);
    const int64_t group_size = of.H / of.G;
    const Scalar *const k = in.k.at(b, u, g), *const v = in.v.at(b, u, g);
    float *const k_sums = shared + threadIdx.y * 2 * of.D, *const v_sums = k_sums + of.D;

    for (int64_t d = threadIdx.x; d < of.D; d += warp) k_sums[d] = v_sums[d] = 0;
    for (int64_t h = g * group_size; h < (g + 1) * group_size; ++h)
        for (int64_t t = first; t < last; ++t) {
            const int64_t query = (b * of.H + h) * of.Tq + t;
            const Scalar *const q = in.q.at(b, t, h), *const d_out = in.d_y.at(b, t, h);
            const auto [p, d_s] = pair_of(q, k, v, d_out, in.lse[query], in.delta[query], of.D, scale,
                                          QueryScore<Score>{score, b, h, t}, u);
            for (int64_t d = threadIdx.x; d < of.D; d += warp) {
                v_sums[d] += p * float(d_out[d]);
                k_sums[d] += d_s * float(q[d]);
            }
        }
    for (int64_t d = threadIdx.x; d < of.D; d += warp) {
        d_k.at(b, u, g)[d] = Scalar(k_sums[d]);
        d_v.at(b, u, g)[d] = Scalar(v_sums[d]);
    }
}

}  // namespace

void attention_backward_any_width(const AttentionBackward& a, Stream s) {
    const HeadSizes of = {a.B, a.Tq, a.Tk, a.H, a.G, a.D};
    const int64_t queries = of.B * of.Tq * of.H, keys = of.B * of.Tk * of.G;
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const auto of_queries = [&](const Tensor& t) { return heads_of<const Scalar>(t, a.Tq, a.D); };
        const auto of_keys = [&](const Tensor& t) { return heads_of<const Scalar>(t, a.Tk, a.D); };
        const Operands<Scalar> in = {of_queries(a.d_y), of_queries(a.q),     of_keys(a.k),       of_keys(a.v),
                                     a.lse.as<float>(), a.delta.as<float>(), a.lo.as<int32_t>(), a.hi.as<int32_t>()};
        launch_rows(any_width_delta_kernel<Scalar>, queries, s, a.delta.as<float>(), in.d_y, of_queries(a.y), of);
        by_score(a.score, [&](auto score) {
            launch_rows_with(a.D, attention_query_kernel<Scalar, decltype(score)>, queries, s,
                             heads_of<Scalar>(a.d_q, a.Tq, a.D), in, of, float(a.scale), score);
            launch_rows_with(2 * a.D, attention_key_kernel<Scalar, decltype(score)>, keys, s,
                             heads_of<Scalar>(a.d_k, a.Tk, a.D), heads_of<Scalar>(a.d_v, a.Tk, a.D), in, of,
                             float(a.scale), score);
        });
    });
}

}  // namespace gradus::DEVICE
