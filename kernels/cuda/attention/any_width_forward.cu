// Attention forward on a GPU. The formulas are in kernels/attention.h.
//
// Plan. One warp per query (b, h, t). It loops over the keys [lo, hi) with online softmax, so that no row of scores is stored:
// attend() in kernels/cuda/attention.h. The lanes share the D channels, so all accesses to q, k and v are coalesced. Neighbouring
// warps have neighbouring queries, whose keys are in the cache.
#include "kernels/attention.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/attention/attention_ops.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar, class Score>
__global__ void attention_forward_kernel(HeadRows<Scalar> y, float* lse, HeadRows<const Scalar> q,
                                         HeadRows<const Scalar> k, HeadRows<const Scalar> v, const int32_t* lo,
                                         const int32_t* hi, HeadSizes of, float scale, Score score) {
    DYNAMIC_SHARED(float, shared);
    const auto [b, h, t] = row_index(row(), of.H, of.Tq);
    if (b >= of.B) return;
    const int64_t g = of.group(h);
    const auto [first, last] = interval_of(lo, hi, b, t, of);
    const float mine = attend(y.at(b, t, h), shared + threadIdx.y * of.D, q.at(b, t, h), one_head(k, b, g),
                              one_head(v, b, g), first, last, of.D, scale, QueryScore<Score>{score, b, h, t});
    if (threadIdx.x == 0) lse[row()] = mine;
}

}  // namespace

void attention_forward_any_width(const AttentionForward& a, Stream s) {
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_score(a.score, [&](auto score) {
            launch_rows_with(a.D, attention_forward_kernel<Scalar, decltype(score)>, a.lse.size(), s,
                             heads_of<Scalar>(a.y, a.Tq, a.D), a.lse.as<float>(),
                             heads_of<const Scalar>(a.q, a.Tq, a.D), heads_of<const Scalar>(a.k, a.Tk, a.D),
                             heads_of<const Scalar>(a.v, a.Tk, a.D), a.lo.as<int32_t>(), a.hi.as<int32_t>(),
                             HeadSizes{a.B, a.Tq, a.Tk, a.H, a.G, a.D}, float(a.scale), score);
        });
    });
}

}  // namespace gradus::DEVICE
