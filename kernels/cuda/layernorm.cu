// LayerNorm on a GPU. The formulas are in kernels/layernorm.h, the kernels in norm_forward.h and norm_backward.h.
#include "kernels/layernorm.h"

#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/norm_backward.h"
#include "kernels/cuda/norm_forward.h"

namespace gradus::DEVICE {

void layernorm_forward(const LayerNormForward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const NormForward<Scalar> f = {.y = a.y.as<Scalar>(),
                                       .x = nullptr,
                                       .mean = a.mean.as<float>(),
                                       .rstd = a.rstd.as<float>(),
                                       .a = a.x.as<Scalar>(),
                                       .b = nullptr,
                                       .gain = a.gain.as<Scalar>(),
                                       .bias = a.bias.as<Scalar>(),
                                       .N = a.x.rows(),
                                       .C = a.x.last(),
                                       .eps = float(a.eps)};
        launch_norm_forward<true>(f, vectors_fit({a.y, a.x, a.gain, a.bias}), s);
    });
}

void add_layernorm_forward(const AddLayerNormForward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const NormForward<Scalar> f = {.y = a.y.as<Scalar>(),
                                       .x = a.x.as<Scalar>(),
                                       .mean = a.mean.as<float>(),
                                       .rstd = a.rstd.as<float>(),
                                       .a = a.a.as<Scalar>(),
                                       .b = a.b.as<Scalar>(),
                                       .gain = a.gain.as<Scalar>(),
                                       .bias = a.bias.as<Scalar>(),
                                       .N = a.x.rows(),
                                       .C = a.x.last(),
                                       .eps = float(a.eps)};
        launch_norm_forward<true>(f, vectors_fit({a.y, a.x, a.a, a.b, a.gain, a.bias}), s);
    });
}

void layernorm_backward(const LayerNormBackward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const NormBackward<Scalar> f = {.d_x = a.d_x.as<Scalar>(),
                                        .d_gain = a.d_gain.as<float>(),
                                        .d_bias = a.d_bias.as<float>(),
                                        .d_y = a.d_y.as<Scalar>(),
                                        .d_residual = a.d_residual.as<Scalar>(),
                                        .x = a.x.as<Scalar>(),
                                        .gain = a.gain.as<Scalar>(),
                                        .mean = a.mean.as<float>(),
                                        .rstd = a.rstd.as<float>(),
                                        .N = a.x.rows(),
                                        .C = a.x.last()};
        launch_norm_backward<true>(f, vectors_fit({a.d_x, a.d_y, a.d_residual, a.x, a.gain}), s);
    });
}

}  // namespace gradus::DEVICE
