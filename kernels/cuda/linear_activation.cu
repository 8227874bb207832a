// A linear and its activation on a GPU. The formulas are in kernels/linear_activation.h.
//
// Plan. One matmul whose last step activates, where the matmul in use has it (kernels/cuda/matmul.h); otherwise two ops. d_pre then
// holds the gradient of the activated values between the two.
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/matmul.h"
#include "kernels/linear_activation.h"

namespace gradus::DEVICE {

void linear_activation_forward(const LinearActivationForward& a, Stream s) {
    Matmul matmul = {.c = a.y, .a = a.x, .b = a.w, .transpose_b = true, .bias = a.b};
    matmul.end = MatmulEnd::activate;
    matmul.pre = a.pre;
    matmul.activation = a.kind;
    if (matmul_with_activation(matmul, s)) return;
    linear_forward({.y = a.pre, .x = a.x, .w = a.w, .b = a.b}, s);
    activation_forward({.y = a.y, .x = a.pre, .kind = a.kind}, s);
}

void linear_activation_backward(const LinearActivationBackward& a, Stream s) {
    Matmul matmul = {.c = a.d_pre, .a = a.d_y, .b = a.w};
    matmul.end = MatmulEnd::derive;
    matmul.pre = a.pre;
    matmul.activation = a.kind;
    if (matmul_with_activation(matmul, s)) return;
    linear_backward_input({.d_x = a.d_pre, .d_y = a.d_y, .w = a.w}, s);
    activation_backward({.d_x = a.d_pre, .d_y = a.d_pre, .x = a.pre, .kind = a.kind}, s);
}

}  // namespace gradus::DEVICE
