#pragma once
// Linear: the weight matrix is [out, in], as in PyTorch.                     N rows, I inputs, O outputs
//
//   y[n,o]    = Σ_i x[n,i] · w[o,i] + b[o]
//
// Backward is two ops: the previous layer waits for d_x, while only the optimizer needs d_w:
//   d_x[n,i]  = Σ_o d_y[n,o] · w[o,i]
//   d_w[o,i] += Σ_n d_y[n,o] · x[n,i]
//   d_b[o]   += Σ_n d_y[n,o]
//
// The first gradient of a step may overwrite d_w, which then need not be zero before, and is not read.
//
// y and d_y may be views with a row stride (Tensor::row_stride), as the logits of a padded vocabulary: elements between the
// rows are neither read nor written.
//
// Each matmul is 2·N·I·O flops: compute bound, except for a few rows, where reading w dominates.
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
    Acc d_w;                 // [O,I]   accumulator dtype
    Opt d_b = {};            // [O]     accumulator dtype, accumulated
    In d_y;                  // [N,O]   view
    In x;                    // [N,I]
    bool overwrite = false;  // d_w = …, not +=; d_b is accumulated in both
};

inline Cost cost(const LinearForward& a) {
    return {double(a.x.bytes() + a.w.bytes() + a.y.bytes()), 2.0 * double(a.x.size()) * double(a.y.last())};
}
inline Cost cost(const LinearBackwardInput& a) {
    return {double(a.d_x.bytes() + a.w.bytes() + a.d_y.bytes()), 2.0 * double(a.d_x.size()) * double(a.d_y.last())};
}
inline Cost cost(const LinearBackwardWeight& a) {
    return {double(a.x.bytes() + (a.overwrite ? 1 : 2) * a.d_w.bytes() + a.d_y.bytes()),
            2.0 * double(a.x.size()) * double(a.d_y.last())};
}

}  // namespace gradus
