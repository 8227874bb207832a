#pragma once
// Softmax attention with grouped heads and one mask: query t of sequence b attends to the keys [lo, hi).
//
// Queries have Tq rows per sequence, keys and values Tk. Query head h reads key and value head h·G/H. For every b, h, t, over
// the keys u in [lo[b,t], hi[b,t]):
//
//   s[u]   = score( scale · Σ_d q[t,d] · k[u,d] )         score: kernels/attention_score.h, by default the identity
//   lse    = log Σ_u exp(s[u])
//   p[u]   = exp(s[u] − lse)
//   y[t,d] = Σ_u p[u] · v[u,d]
//
// lo and hi never decrease with t, and are in [0, Tk]. Causal self-attention is [0, t+1); a sliding window moves lo; packed
// documents start lo at their own first row; a bidirectional, padded sequence is [0, length), and so is cross-attention,
// whose keys are another sequence. An empty interval gives y = 0, lse = −∞ and no gradient. No [Tq,Tk] matrix is stored: the
// backward pass recomputes p from lse.
//
// Backward, with delta[t] = Σ_d d_y[t,d] · y[t,d]:
//   d_v[u,d] = Σ_t p[t,u] · d_y[t,d]
//   d_s[t,u] = score.backward( p[t,u] · ( Σ_d d_y[t,d] · v[u,d] − delta[t] ) ) · scale
//   d_q[t,d] = Σ_u d_s[t,u] · k[u,d]          d_k[u,d] = Σ_t d_s[t,u] · q[t,d]
//   d_bias[h, c] += Σ d_s[t,u] / scale        over b and all pairs t, u that read column c of a RelativeBias
// where d_k and d_v also sum over the H/G query heads of their group. The order of every sum is fixed.
//
// q, k, v and their gradients are views with a row stride (Tensor::row_stride). Elements between the rows are neither read nor
// written. So q, k and v may be parts of one packed tensor [N, (H+2G)·D] (packed_heads() of kernels/heads.h) or of several
// tensors.
//
// attention_cached is the same for generation: rows belong to sequences with a key/value cache. The keys and values of every
// row are first written to its slot; then the row attends to the slots [lo[n], position[n]] of its sequence. For the score
// function b is the sequence, t the position and u the slot.
//
// Sources: Vaswani et al. 2017; Dao et al. 2022 (lse, recomputation); Ainslie et al. 2023 (groups). Compute bound for
// long sequences; attention_cached with few rows is memory bound: it reads its cache once.
#include "kernels/attention_score.h"
#include "kernels/heads.h"

namespace gradus {

struct AttentionForward {
    Out y;      // [B·Tq, H·D]
    Out lse;    // [B,H,Tq]       accumulator dtype
    In q;       // [B·Tq, H·D]    view
    In k, v;    // [B·Tk, G·D]    views
    In lo, hi;  // [B,Tq]         i32
    int B, Tq, Tk, H, G, D;
    double scale;  // usually 1/√D
    AttentionScore score = {};
    bool causal = false;  // the caller knows that every interval is [0, t + 1), which no kernel needs to know
};

struct AttentionBackward {
    Out d_q;       // [B·Tq, H·D]    view
    Out d_k, d_v;  // [B·Tk, G·D]    views
    Out delta;     // [B,H,Tq]       accumulator dtype: workspace
    Opt d_bias;    // [H, 2M+1]      accumulator dtype, as the bias; added to. Only with a RelativeBias
    In d_y;        // [B·Tq, H·D]
    In q, k, v;    // as given to forward
    In y, lse;     // as written by forward
    In lo, hi;     // [B,Tq]         i32
    int B, Tq, Tk, H, G, D;
    double scale;
    AttentionScore score = {};
    bool causal = false;  // as given to forward
};

struct AttentionCached {
    Out y;                 // [N, H·D]
    Acc k_cache, v_cache;  // [S,G,P,D]        S sequences of at most P positions
    In q;                  // [N, H·D]         view
    In k, v;               // [N, G·D]         views
    In sequence;           // [N]              i32, below S; the rows of one sequence are in the order of positions
    In position;           // [N]              i32, below P
    In lo;                 // [N]              i32
    int H, G, D;
    double scale;
    AttentionScore score = {};
};

// FLOPs of half of the scores, as with a causal mask; bytes of the operands once.
inline Cost cost(const AttentionForward& a) {
    return {double(a.q.bytes() + a.k.bytes() + a.v.bytes() + a.y.bytes() + a.lse.bytes()),
            2.0 * a.B * a.H * double(a.Tq) * a.Tk * a.D};
}
inline Cost cost(const AttentionBackward& a) {
    return {double(2 * (a.q.bytes() + a.k.bytes() + a.v.bytes()) + 2 * a.y.bytes() + a.lse.bytes()),
            5.0 * a.B * a.H * double(a.Tq) * a.Tk * a.D};
}

}  // namespace gradus
