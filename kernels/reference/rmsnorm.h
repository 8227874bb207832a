#pragma once
// The formulas of kernels/rmsnorm.h.
#include "kernels/reference/scalar.h"
#include "kernels/rmsnorm.h"

namespace gradus::reference {

template <class Scalar>
void rmsnorm_forward(const RmsNormForward& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar* gain = a.gain.as<Scalar>();
    for (int64_t n = 0; n < N; ++n) {
        const Scalar* x = a.x.as<Scalar>() + n * C;
        Scalar* y = a.y.as<Scalar>() + n * C;

        Scalar mean_square = 0;
        for (int64_t c = 0; c < C; ++c) mean_square += x[c] * x[c];
        mean_square /= Scalar(C);

        const Scalar rstd = Scalar(1) / std::sqrt(mean_square + Scalar(a.eps));
        for (int64_t c = 0; c < C; ++c) {
            const Scalar x_hat = x[c] * rstd;
            y[c] = gain[c] * x_hat;
        }
        a.rstd.as<Scalar>()[n] = rstd;
    }
}

template <class Scalar>
void add_rmsnorm_forward(const AddRmsNormForward& a) {
    for (int64_t i = 0; i < a.x.size(); ++i) a.x.as<Scalar>()[i] = a.a.as<Scalar>()[i] + a.b.as<Scalar>()[i];
    rmsnorm_forward<Scalar>({.y = a.y, .rstd = a.rstd, .x = Tensor(a.x), .gain = a.gain, .eps = a.eps});
}

template <class Scalar>
void rmsnorm_backward(const RmsNormBackward& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar* gain = a.gain.as<Scalar>();
    Scalar* d_gain = a.d_gain.as<Scalar>();
    for (int64_t n = 0; n < N; ++n) {
        const Scalar *x = a.x.as<Scalar>() + n * C, *d_y = a.d_y.as<Scalar>() + n * C;
        const Scalar* d_residual = a.d_residual ? a.d_residual.as<Scalar>() + n * C : nullptr;
        Scalar* d_x = a.d_x.as<Scalar>() + n * C;
        const Scalar rstd = a.rstd.as<Scalar>()[n];

        Scalar mean_g_x_hat = 0;
        for (int64_t c = 0; c < C; ++c) {
            const Scalar x_hat = x[c] * rstd, g = gain[c] * d_y[c];
            d_gain[c] += d_y[c] * x_hat;
            mean_g_x_hat += g * x_hat;
        }
        mean_g_x_hat /= Scalar(C);

        for (int64_t c = 0; c < C; ++c) {
            const Scalar x_hat = x[c] * rstd, g = gain[c] * d_y[c];
            d_x[c] = rstd * (g - x_hat * mean_g_x_hat) + (d_residual ? d_residual[c] : Scalar(0));
        }
    }
}

}  // namespace gradus::reference
