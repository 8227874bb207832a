#pragma once
// RMSNorm over the last axis: LayerNorm without the mean and the bias.                 N rows, C channels
//
//   rstd[n]   = 1/√( 1/C Σ_c x[n,c]² + eps )
//   x̂[n,c]    = x[n,c] · rstd[n]
//   y[n,c]    = gain[c] · x̂[n,c]
//
// Fused with the residual add: x = a + b is written too, and y is the norm of x.
//
// Backward, writing g = gain · d_y:
//   d_gain[c] += Σ_n d_y[n,c] · x̂[n,c]
//   d_x[n,c]   = rstd[n] · ( g − x̂ · 1/C Σ_c g·x̂ ) + d_residual[n,c]
//
// Source: Zhang, Sennrich 2019. Memory bound.
#include "kernels/tensor.h"

namespace gradus {

struct RmsNormForward {
    Out y;     // [N,C]
    Out rstd;  // [N]    accumulator dtype, kept for backward
    In x;      // [N,C]
    In gain;   // [C]
    double eps = 1e-5;
};

struct AddRmsNormForward {
    Out y;     // [N,C]
    Out x;     // [N,C]  a + b; may alias a
    Out rstd;  // [N]    accumulator dtype
    In a, b;   // [N,C]
    In gain;   // [C]
    double eps = 1e-5;
};

struct RmsNormBackward {
    Out d_x;              // [N,C]  may alias d_residual or d_y
    Acc d_gain;           // [C]    accumulator dtype
    In d_y;               // [N,C]
    Opt d_residual = {};  // [N,C]
    In x, gain;           // as given to forward
    In rstd;              // as saved by forward
};

inline Cost cost(const RmsNormForward& a) { return {2.0 * double(a.x.bytes()), 5.0 * double(a.x.size())}; }
inline Cost cost(const AddRmsNormForward& a) { return {4.0 * double(a.x.bytes()), 6.0 * double(a.x.size())}; }
inline Cost cost(const RmsNormBackward& a) {
    return {(a.d_residual ? 4.0 : 3.0) * double(a.x.bytes()), 10.0 * double(a.x.size())};
}

}  // namespace gradus
