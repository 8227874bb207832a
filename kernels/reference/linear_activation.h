#pragma once
// The formulas of kernels/linear_activation.h.
#include "kernels/linear_activation.h"
#include "kernels/reference/activation.h"
#include "kernels/reference/linear.h"

namespace gradus::reference {

template <class Scalar>
void linear_activation_forward(const LinearActivationForward& a) {
    linear_forward<Scalar>({.y = a.pre, .x = a.x, .w = a.w, .b = a.b});
    activation_forward<Scalar>({.y = a.y, .x = a.pre, .kind = a.kind});
}

template <class Scalar>
void linear_activation_backward(const LinearActivationBackward& a) {
    linear_backward_input<Scalar>({.d_x = a.d_pre, .d_y = a.d_y, .w = a.w});
    activation_backward<Scalar>({.d_x = a.d_pre, .d_y = a.d_pre, .x = a.pre, .kind = a.kind});
}

}  // namespace gradus::reference
