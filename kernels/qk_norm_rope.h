#pragma once
// RMSNorm of every query and key head, then the rotation of kernels/rope.h, as one op: q and k are read once and written once.
//
// For every head x of q (H heads of D channels in each row) and of k (G heads), with the gain of its tensor:
//
//   rstd   = 1/√( 1/D Σ_d x[d]² + eps )
//   y      = rotation( gain · x · rstd )                     by the row's position
//
// Backward, writing u for d_y rotated the other way, x̂ = x·rstd and g = gain·u:
//   d_gain[d] += Σ u[d]·x̂[d]                                over all rows and heads
//   d_x        = rstd · ( g − x̂ · 1/D Σ_d g·x̂ )
//
// The values are not changed, and v has no norm. Sources: Henry et al. 2020 (query-key normalisation); Qwen3, Gemma 3 (per head, with
// gains). Memory bound.
#include "kernels/rope.h"

namespace gradus {

struct QkNormRopeForward {
    Out y_q, y_k;        // [N,H·D], [N,G·D]  each may alias q or k; any row stride
    Out q_rstd, k_rstd;  // [N,H], [N,G]      accumulator dtype, kept for backward
    In q, k;             // [N,H·D], [N,G·D]  any row stride
    In q_gain, k_gain;   // [D]
    In positions;        // [N]        i32, each below P
    In rope_table;       // [P,R,2]    accumulator dtype; 2·R ≤ D
    RopeLayout layout = RopeLayout::half_split;
    double eps = 1e-6;
};

struct QkNormRopeBackward {
    Out d_q, d_k;            // [N,H·D], [N,G·D]  may alias d_y_q and d_y_k
    Acc d_q_gain, d_k_gain;  // [D]        accumulator dtype
    In d_y_q, d_y_k;         // [N,H·D], [N,G·D]
    In q, k;                 // as given to forward
    In q_gain, k_gain;
    In q_rstd, k_rstd;  // as saved by forward
    In positions, rope_table;
    RopeLayout layout = RopeLayout::half_split;
};

inline Cost cost(const QkNormRopeForward& a) {
    const double size = double(a.q.size() + a.k.size());
    return {2.0 * size * double(size_of(a.q.dtype)), 8.0 * size};
}
inline Cost cost(const QkNormRopeBackward& a) {
    const double size = double(a.q.size() + a.k.size());
    return {3.0 * size * double(size_of(a.q.dtype)), 13.0 * size};
}

}  // namespace gradus
