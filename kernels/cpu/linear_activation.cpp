// A linear and its activation: one after the other. d_pre holds the gradient of the activated values between the two.
#include "kernels/linear_activation.h"
#include "kernels/cpu/cpu.h"

namespace gradus::cpu {

void linear_activation_forward(const LinearActivationForward& a, Stream s) {
    linear_forward({.y = a.pre, .x = a.x, .w = a.w, .b = a.b}, s);
    activation_forward({.y = a.y, .x = a.pre, .kind = a.kind}, s);
}

void linear_activation_backward(const LinearActivationBackward& a, Stream s) {
    linear_backward_input({.d_x = a.d_pre, .d_y = a.d_y, .w = a.w}, s);
    activation_backward({.d_x = a.d_pre, .d_y = a.d_pre, .x = a.pre, .kind = a.kind}, s);
}

}  // namespace gradus::cpu
