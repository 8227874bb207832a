#pragma once
// Linear: a matrix of weights [out, in], as PyTorch keeps it.                N rows, I inputs, O outputs
//
//   y[n,o]    = Σ_i x[n,i] · w[o,i] + b[o]
//
// Backward is two products, kept apart because one feeds the layer before and the other only the optimizer:
//   d_x[n,i]  = Σ_o d_y[n,o] · w[o,i]
//   d_w[o,i] += Σ_n d_y[n,o] · x[n,i]
//   d_b[o]   += Σ_n d_y[n,o]
//
// y and d_y may be views whose rows are further apart than they are long (Tensor::row_stride), as logits of a padded
// vocabulary are: what lies between the rows is neither read nor written.
//
// Each product is 2·N·I·O flops: compute bound except for a handful of rows, where reading w is the cost.
#include "kernels/tensor.h"

namespace gradus {

struct LinearForward {
    Out y;       // [N,O]   view
    In x;        // [N,I]
    In w;        // [O,I]
    Opt b = {};  // [O]
};

struct LinearBackwardInput {
    Out d_x;  // [N,I]
    In d_y;   // [N,O]   view
    In w;     // [O,I]
};

struct LinearBackwardWeight {
    Acc d_w;       // [O,I]   accumulator dtype
    Opt d_b = {};  // [O]     accumulator dtype, accumulated
    In d_y;        // [N,O]   view
    In x;          // [N,I]
};

inline Cost cost(const LinearForward& a) {
    return {double(a.x.bytes() + a.w.bytes() + a.y.bytes()), 2.0 * double(a.x.size()) * double(a.y.last())};
}
inline Cost cost(const LinearBackwardInput& a) {
    return {double(a.d_x.bytes() + a.w.bytes() + a.d_y.bytes()), 2.0 * double(a.d_x.size()) * double(a.d_y.last())};
}
inline Cost cost(const LinearBackwardWeight& a) {
    return {double(a.x.bytes() + 2 * a.d_w.bytes() + a.d_y.bytes()), 2.0 * double(a.x.size()) * double(a.d_y.last())};
}

}  // namespace gradus
