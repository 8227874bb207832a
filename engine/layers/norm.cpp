#include "engine/layers/norm.h"

#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

void norm_forward(const Run& r, const NormWeights& w, NormActs& a, Tensor y, Tensor x) {
    const double eps = r.model.norm.eps;
    if (r.model.norm.kind == Norm::layer)
        r.ops.layernorm_forward({.y = y, .mean = a.mean, .rstd = a.rstd, .x = x, .gain = w.gain, .bias = w.bias,
                                 .eps = eps}, r.stream);
    else
        r.ops.rmsnorm_forward({.y = y, .rstd = a.rstd, .x = x, .gain = w.gain, .eps = eps}, r.stream);
}

void add_norm_forward(const Run& r, const NormWeights& w, NormActs& n, Tensor y, Tensor x, Tensor a, Tensor b) {
    const double eps = r.model.norm.eps;
    if (r.model.norm.kind == Norm::layer)
        r.ops.add_layernorm_forward({.y = y, .x = x, .mean = n.mean, .rstd = n.rstd, .a = a, .b = b, .gain = w.gain,
                                     .bias = w.bias, .eps = eps}, r.stream);
    else
        r.ops.add_rmsnorm_forward({.y = y, .x = x, .rstd = n.rstd, .a = a, .b = b, .gain = w.gain, .eps = eps}, r.stream);
}

void norm_backward(const Run& r, const NormWeights& w, NormWeights& d_w, const NormActs& a, Tensor d_x, Tensor d_y,
                   Tensor x, Tensor d_residual) {
    if (r.model.norm.kind == Norm::layer)
        r.ops.layernorm_backward({.d_x = d_x, .d_gain = d_w.gain, .d_bias = d_w.bias, .d_y = d_y,
                                  .d_residual = d_residual, .x = x, .gain = w.gain, .mean = a.mean, .rstd = a.rstd},
                                 r.stream);
    else
        r.ops.rmsnorm_backward({.d_x = d_x, .d_gain = d_w.gain, .d_y = d_y, .d_residual = d_residual, .x = x,
                                .gain = w.gain, .rstd = a.rstd}, r.stream);
}

}  // namespace gradus
