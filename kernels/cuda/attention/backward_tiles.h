#pragma once
// Shared by the backward kernels in tiles: their operands, and p and d_s of one query and one key.
#include "kernels/cuda/attention/operands.h"
#include "kernels/cuda/primitives/exp2.h"

namespace gradus::DEVICE {

template <class Scalar>
struct BackwardOperands {
    HeadRows<const Scalar> d_y, q, k, v;
    const float *lse, *delta;
    const int32_t *lo, *hi;
};

template <class Scalar>
BackwardOperands<Scalar> backward_operands(const AttentionBackward& a) {
    const auto of_queries = [&](const Tensor& t) { return heads_of<const Scalar>(t, a.Tq, a.D); };
    const auto of_keys = [&](const Tensor& t) { return heads_of<const Scalar>(t, a.Tk, a.D); };
    return {of_queries(a.d_y), of_queries(a.q),     of_keys(a.k),       of_keys(a.v),
            a.lse.as<float>(), a.delta.as<float>(), a.lo.as<int32_t>(), a.hi.as<int32_t>()};
}

inline HeadSizes sizes_of(const AttentionBackward& a) { return {a.B, a.Tq, a.Tk, a.H, a.G, a.D}; }

// s = q·k becomes p, and d_p = d_y·v becomes d_s without the factor scale. lse is in base 2.
template <class Score>
__device__ __forceinline__ void gradient_of_score(float& s, float& d_p, float lse, float delta, float scale,
                                                  const QueryScore<Score>& score, int64_t u) {
    if constexpr (is_plain<Score>) {
        s = exp2_approximate(s * (scale * log2_of_e) - lse);
        d_p = s * (d_p - delta);
    } else {
        const float x = scale * s;
        s = exp2_approximate(score(x, u) * log2_of_e - lse);
        d_p = score.backward(s * (d_p - delta), x, u);
    }
}

}  // namespace gradus::DEVICE
