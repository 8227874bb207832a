#pragma once
// Dot product of each row with a vector: the scalar head (reward, value).                    N rows, C channels
//
//   y[n]      = Σ_c x[n,c] · w[c]
//
// Backward:
//   d_x[n,c]  = d_y[n] · w[c]
//   d_w[c]   += Σ_n d_y[n] · x[n,c]
//
// A linear layer with one output in the accumulator's dtype, because bf16 would round close scores to the same value. Memory
// bound.
#include "kernels/tensor.h"

namespace gradus {

struct RowDotForward {
    Out y;  // [N]     accumulator dtype
    In x;   // [N,C]
    In w;   // [C]
};

struct RowDotBackward {
    Out d_x;  // [N,C]
    Acc d_w;  // [C]     accumulator dtype
    In d_y;   // [N]     accumulator dtype
    In x;     // [N,C]
    In w;     // [C]
};

inline Cost cost(const RowDotForward& a) { return {double(a.x.bytes() + a.y.bytes()), 2.0 * double(a.x.size())}; }
inline Cost cost(const RowDotBackward& a) { return {2.0 * double(a.x.bytes()), 3.0 * double(a.x.size())}; }

}  // namespace gradus
