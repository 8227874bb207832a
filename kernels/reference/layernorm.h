#pragma once
// The formulas of kernels/layernorm.h.
#include "kernels/layernorm.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

template <class Scalar>
void layernorm_forward(const LayerNormForward& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar *gain = a.gain.as<Scalar>(), *bias = a.bias.as<Scalar>();
    for (int64_t n = 0; n < N; ++n) {
        const Scalar* x = a.x.as<Scalar>() + n * C;
        Scalar* y = a.y.as<Scalar>() + n * C;

        Scalar mean = 0;
        for (int64_t c = 0; c < C; ++c) mean += x[c];
        mean /= Scalar(C);

        Scalar variance = 0;
        for (int64_t c = 0; c < C; ++c) variance += (x[c] - mean) * (x[c] - mean);
        variance /= Scalar(C);

        const Scalar rstd = Scalar(1) / std::sqrt(variance + Scalar(a.eps));
        for (int64_t c = 0; c < C; ++c) {
            const Scalar x_hat = (x[c] - mean) * rstd;
            y[c] = gain[c] * x_hat + (bias ? bias[c] : Scalar(0));
        }
        a.mean.as<Scalar>()[n] = mean;
        a.rstd.as<Scalar>()[n] = rstd;
    }
}

template <class Scalar>
void add_layernorm_forward(const AddLayerNormForward& a) {
    for (int64_t i = 0; i < a.x.size(); ++i) a.x.as<Scalar>()[i] = a.a.as<Scalar>()[i] + a.b.as<Scalar>()[i];
    layernorm_forward<Scalar>(
        {.y = a.y, .mean = a.mean, .rstd = a.rstd, .x = Tensor(a.x), .gain = a.gain, .bias = a.bias, .eps = a.eps});
}

template <class Scalar>
void layernorm_backward(const LayerNormBackward& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar* gain = a.gain.as<Scalar>();
    Scalar *d_gain = a.d_gain.as<Scalar>(), *d_bias = a.d_bias.as<Scalar>();
    for (int64_t n = 0; n < N; ++n) {
        const Scalar *x = a.x.as<Scalar>() + n * C, *d_y = a.d_y.as<Scalar>() + n * C;
        const Scalar* d_residual = a.d_residual ? a.d_residual.as<Scalar>() + n * C : nullptr;
        Scalar* d_x = a.d_x.as<Scalar>() + n * C;
        const Scalar mean = a.mean.as<Scalar>()[n], rstd = a.rstd.as<Scalar>()[n];

        Scalar mean_g = 0, mean_g_x_hat = 0;
        for (int64_t c = 0; c < C; ++c) {
            const Scalar x_hat = (x[c] - mean) * rstd, g = gain[c] * d_y[c];
            if (d_bias) d_bias[c] += d_y[c];
            d_gain[c] += d_y[c] * x_hat;
            mean_g += g;
            mean_g_x_hat += g * x_hat;
        }
        mean_g /= Scalar(C);
        mean_g_x_hat /= Scalar(C);

        for (int64_t c = 0; c < C; ++c) {
            const Scalar x_hat = (x[c] - mean) * rstd, g = gain[c] * d_y[c];
            d_x[c] = rstd * (g - mean_g - x_hat * mean_g_x_hat) + (d_residual ? d_residual[c] : Scalar(0));
        }
    }
}

}  // namespace gradus::reference
