#pragma once
// LayerNorm over the last axis.                                                        N rows, C channels
//
//   mean[n]   = 1/C Σ_c x[n,c]
//   rstd[n]   = 1/√( 1/C Σ_c (x[n,c] − mean[n])² + eps )
//   x̂[n,c]    = (x[n,c] − mean[n]) · rstd[n]
//   y[n,c]    = gain[c] · x̂[n,c] + bias[c]
//
// Fused with the residual add: x = a + b is written too, and y is the norm of x.
//
// Backward, writing g = gain · d_y:
//   d_bias[c] += Σ_n d_y[n,c]
//   d_gain[c] += Σ_n d_y[n,c] · x̂[n,c]
//   d_x[n,c]   = rstd[n] · ( g − 1/C Σ_c g − x̂ · 1/C Σ_c g·x̂ ) + d_residual[n,c]
//
// d_residual is the gradient that reaches x past the norm. After the fused forward, d_x is the gradient of a and of b.
// The variance is computed from differences: E[x²] − E[x]² cancels. Source: Ba, Kiros, Hinton 2016.
// Memory bound: one or two flops per byte.
#include "kernels/tensor.h"

namespace gradus {

struct LayerNormForward {
    Out y;           // [N,C]
    Out mean, rstd;  // [N]    accumulator dtype, kept for backward
    In x;            // [N,C]
    In gain;         // [C]
    Opt bias = {};   // [C]    empty: no bias
    double eps = 1e-5;
};

struct AddLayerNormForward {
    Out y;           // [N,C]
    Out x;           // [N,C]  a + b; may alias a
    Out mean, rstd;  // [N]    accumulator dtype
    In a, b;         // [N,C]
    In gain;         // [C]
    Opt bias = {};   // [C]
    double eps = 1e-5;
};

struct LayerNormBackward {
    Out d_x;              // [N,C]  may alias d_residual or d_y
    Acc d_gain;           // [C]    accumulator dtype
    Opt d_bias = {};      // [C]    accumulator dtype, accumulated
    In d_y;               // [N,C]
    Opt d_residual = {};  // [N,C]
    In x, gain;           // as given to forward
    In mean, rstd;        // as saved by forward
};

inline Cost cost(const LayerNormForward& a) { return {2.0 * double(a.x.bytes()), 8.0 * double(a.x.size())}; }
inline Cost cost(const AddLayerNormForward& a) { return {4.0 * double(a.x.bytes()), 9.0 * double(a.x.size())}; }
inline Cost cost(const LayerNormBackward& a) {
    return {(a.d_residual ? 4.0 : 3.0) * double(a.x.bytes()), 14.0 * double(a.x.size())};
}

}  // namespace gradus
