#pragma once
// Softmax attention with grouped heads and one mask: query t of sequence b attends to the keys [lo, hi).
//
// A row of qkv holds H query heads, then G key heads, then G value heads, each D wide; query head h reads key and value
// head h·G/H. For every b, h, t, over the keys u in [lo[b,t], hi[b,t]):
//
//   s[u]   = scale · Σ_d q[t,d] · k[u,d]
//   lse    = log Σ_u exp(s[u])
//   p[u]   = exp(s[u] − lse)
//   y[t,d] = Σ_u p[u] · v[u,d]
//
// lo and hi never decrease with t. Causal is [0, t+1); a sliding window moves lo; packed documents start lo at their
// own first row; a bidirectional, padded sequence is [0, length). An empty interval gives y = 0, lse = −∞ and no
// gradient. Nobody needs to hold [T,T]: p is recomputed from lse.
//
// Backward, with delta[t] = Σ_d d_y[t,d] · y[t,d]:
//   d_v[u,d] = Σ_t p[t,u] · d_y[t,d]
//   d_s[t,u] = p[t,u] · ( Σ_d d_y[t,d] · v[u,d] − delta[t] ) · scale
//   d_q[t,d] = Σ_u d_s[t,u] · k[u,d]          d_k[u,d] = Σ_t d_s[t,u] · q[t,d]
// where d_k and d_v also sum over the H/G query heads of their group. The order of every sum is fixed.
//
// attention_cached is the same for generation: rows of qkv belong to sequences that keep their keys and values in a
// cache. Every row is first written to its slot, then attends to the slots [lo[n], position[n]] of its sequence.
//
// Sources: Vaswani et al. 2017; Dao et al. 2022 (lse, recomputation); Ainslie et al. 2023 (groups). Compute bound for
// long T; attention_cached with few rows reads its cache once: memory bound.
#include "kernels/tensor.h"

namespace gradus {

struct AttentionForward {
    Out y;      // [N, H·D]
    Out lse;    // [B,H,T]          accumulator dtype
    In qkv;     // [N, (H+2G)·D]
    In lo, hi;  // [B,T]            i32
    int B, T, H, G, D;
    double scale;  // 1/√D as a rule
};

struct AttentionBackward {
    Out d_qkv;       // [N, (H+2G)·D]
    Out delta;       // [B,H,T]          accumulator dtype: room for it
    In d_y;          // [N, H·D]
    In qkv, y, lse;  // as given to, and written by, forward
    In lo, hi;       // [B,T]            i32
    int B, T, H, G, D;
    double scale;
};

struct AttentionCached {
    Out y;                 // [N, H·D]
    Acc k_cache, v_cache;  // [S,G,P,D]        S sequences of at most P positions
    In qkv;                // [N, (H+2G)·D]
    In sequence;           // [N]              i32, below S; the rows of one sequence stand in the order of positions
    In position;           // [N]              i32, below P
    In lo;                 // [N]              i32
    int H, G, D;
    double scale;
};

// FLOPs of the causal half; bytes of the operands once.
inline Cost cost(const AttentionForward& a) {
    return {double(a.qkv.bytes() + a.y.bytes() + a.lse.bytes()), 2.0 * a.B * a.H * double(a.T) * a.T * a.D};
}
inline Cost cost(const AttentionBackward& a) {
    return {double(2 * a.qkv.bytes() + 2 * a.y.bytes() + a.lse.bytes()), 5.0 * a.B * a.H * double(a.T) * a.T * a.D};
}

}  // namespace gradus
