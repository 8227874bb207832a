#pragma once
// Where heads lie in memory: a matrix [B·T, heads·D] whose rows may be further apart than they are long.
#include "kernels/tensor.h"

namespace gradus {

// Head h of row t of sequence b, as a pointer to its D channels.
template <class Scalar>
struct HeadRows {
    Scalar* data;
    int64_t T, stride, D;  // rows of a sequence, elements from one row to the next, channels of a head

    constexpr Scalar* at(int64_t b, int64_t t, int64_t h) const { return data + (b * T + t) * stride + h * D; }
};

template <class Scalar>
HeadRows<Scalar> heads_of(const Tensor& t, int64_t T, int64_t D) {
    return {static_cast<Scalar*>(t.data), T, t.stride(), D};
}

// Queries, keys and values that one linear computes together: a row of qkv holds H query heads, then G key heads, then G
// value heads, each D wide. The views share its memory, and have its row stride.
struct PackedHeads {
    Tensor q, k, v;  // [N, H·D], [N, G·D], [N, G·D]
};

inline PackedHeads packed_heads(const Tensor& qkv, int64_t H, int64_t G, int64_t D) {
    // The values are what is left, so that an op refuses them where a row of qkv is too long.
    return {qkv.columns(0, H * D), qkv.columns(H * D, G * D), qkv.columns((H + G) * D, qkv.last() - (H + G) * D)};
}

}  // namespace gradus
