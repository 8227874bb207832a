// RMSNorm on a GPU. The formulas are in kernels/rmsnorm.h, the kernels in norm_forward.h and norm_backward.h.
#include "kernels/rmsnorm.h"

#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/norm_backward.h"
#include "kernels/cuda/norm_forward.h"

namespace gradus::DEVICE {

void rmsnorm_forward(const RmsNormForward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const NormForward<Scalar> f = {.y = a.y.as<Scalar>(),
                                       .x = nullptr,
                                       .mean = nullptr,
                                       .rstd = a.rstd.as<float>(),
                                       .a = a.x.as<Scalar>(),
                                       .b = nullptr,
                                       .gain = a.gain.as<Scalar>(),
                                       .bias = nullptr,
                                       .N = a.x.rows(),
                                       .C = a.x.last(),
                                       .eps = float(a.eps)};
        launch_norm_forward<false>(f, vectors_fit({a.y, a.x, a.gain}), s);
    });
}

void add_rmsnorm_forward(const AddRmsNormForward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const NormForward<Scalar> f = {.y = a.y.as<Scalar>(),
                                       .x = a.x.as<Scalar>(),
                                       .mean = nullptr,
                                       .rstd = a.rstd.as<float>(),
                                       .a = a.a.as<Scalar>(),
                                       .b = a.b.as<Scalar>(),
                                       .gain = a.gain.as<Scalar>(),
                                       .bias = nullptr,
                                       .N = a.x.rows(),
                                       .C = a.x.last(),
                                       .eps = float(a.eps)};
        launch_norm_forward<false>(f, vectors_fit({a.y, a.x, a.a, a.b, a.gain}), s);
    });
}

void rmsnorm_backward(const RmsNormBackward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const NormBackward<Scalar> f = {.d_x = a.d_x.as<Scalar>(),
                                        .d_gain = a.d_gain.as<float>(),
                                        .d_bias = nullptr,
                                        .d_y = a.d_y.as<Scalar>(),
                                        .d_residual = a.d_residual.as<Scalar>(),
                                        .x = a.x.as<Scalar>(),
                                        .gain = a.gain.as<Scalar>(),
                                        .mean = nullptr,
                                        .rstd = a.rstd.as<float>(),
                                        .N = a.x.rows(),
                                        .C = a.x.last()};
        launch_norm_backward<false>(f, vectors_fit({a.d_x, a.d_y, a.d_residual, a.x, a.gain}), s);
    });
}

}  // namespace gradus::DEVICE
