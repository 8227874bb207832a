#pragma once
// A linear with the activation beside it as one op, as in plain feed-forward layers.    N rows, I inputs, O outputs
//
//   pre[n,o]   = Σ_i x[n,i] · w[o,i] + b[o]           y[n,o] = f(pre[n,o])
//
// Backward of y = f(pre)·wᵀ, a linear whose input was activated: the gradient of pre.
//   d_pre[n,i] = f'(pre[n,i]) · Σ_o d_y[n,o] · w[o,i]
//
// The activations and their derivatives f': kernels/activation.h; the gradients of w and b: LinearBackwardWeight. A backend that
// computes both at once writes y from sums that are not rounded to pre's dtype, and reads or writes pre once.
#include "kernels/activation.h"
#include "kernels/linear.h"

namespace gradus {

struct LinearActivationForward {
    Out y, pre;  // [N,O]
    In x;        // [N,I]
    In w;        // [O,I]
    Opt b = {};  // [O]
    Activation kind;
};

struct LinearActivationBackward {
    Out d_pre;  // [N,I]
    In d_y;     // [N,O]
    In w;       // [O,I]
    In pre;     // [N,I]
    Activation kind;
};

inline Cost cost(const LinearActivationForward& a) {
    return {double(a.x.bytes() + a.w.bytes() + a.y.bytes() + a.pre.bytes()),
            2.0 * double(a.x.size()) * double(a.y.last()) + 10.0 * double(a.y.size())};
}
inline Cost cost(const LinearActivationBackward& a) {
    return {double(a.d_pre.bytes() + a.pre.bytes() + a.w.bytes() + a.d_y.bytes()),
            2.0 * double(a.pre.size()) * double(a.d_y.last()) + 16.0 * double(a.pre.size())};
}

}  // namespace gradus
