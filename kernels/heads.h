#pragma once
// The memory layout of heads: a matrix [B·T, heads·D] with a row stride.
#include "kernels/tensor.h"

namespace gradus {

// at(b, t, h): the D channels of head h of row t of sequence b.
template <class Scalar>
struct HeadRows {
    Scalar* data;
    int64_t T, stride, D;  // rows per sequence, elements from one row to the next, channels per head

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
    // v takes the rest of the row, so that the checks of the ops reject a qkv row of the wrong length.
    return {qkv.columns(0, H * D), qkv.columns(H * D, G * D), qkv.columns((H + G) * D, qkv.last() - (H + G) * D)};
}

}  // namespace gradus
