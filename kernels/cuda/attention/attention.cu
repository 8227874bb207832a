// Attention forward and backward on a GPU: the choice of the kernel.
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/operands.h"
#include "kernels/cuda/attention_bias.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

namespace {

// The largest score is found before the scale is applied, so the scale must be positive.
template <class Args>
bool fit(const Args& a, std::initializer_list<Tensor> tensors) {
    const int widest = a.q.dtype == DType::bf16 ? widest_head<bf16> : widest_head<float>;
    return a.D <= widest && a.scale > 0 && heads_fit_packs(a.D, tensors);
}

}  // namespace

bool fit_tiles(const AttentionForward& a) { return fit(a, {a.y, a.q, a.k, a.v}); }
bool fit_tiles(const AttentionBackward& a) { return fit(a, {a.d_q, a.d_k, a.d_v, a.d_y, a.q, a.k, a.v, a.y}); }

void attention_forward(const AttentionForward& a, Stream s) {
    if (fit_hopper(a)) attention_forward_hopper(a, s);
    else if (fit_tiles(a)) attention_forward_tiles(a, s);
    else attention_forward_any_width(a, s);
}

void attention_backward(const AttentionBackward& a, Stream s) {
    if (fit_hopper(a)) {
        attention_delta_tiles(a, s);
        attention_query_gradient_hopper(a, s);
        attention_key_gradients_hopper(a, s);
    } else if (fit_tiles(a)) {
        attention_delta_tiles(a, s);
        attention_query_gradient_tiles(a, s);
        attention_key_gradients_tiles(a, s);
    } else {
        attention_backward_any_width(a, s);
    }
    if (a.d_bias) attention_bias_backward(a, s);
}

}  // namespace gradus::DEVICE
