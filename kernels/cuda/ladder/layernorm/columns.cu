// The gradients of LayerNorm in two kernels, each of which reads d_y and x: d_gain and d_bias with one block per 32 columns, then d_x
// with one warp per row. A model of 768 channels has 24 such blocks, for 132 SMs.
#include "kernels/cuda/ladder/layernorm/layernorm.h"

namespace gradus::DEVICE::layernorm_ladder {

namespace {

template <class Scalar>
__global__ void columns_kernel(float* d_gain, float* d_bias, const Scalar* d_y, const Scalar* x, const float* mean,
                               const float* rstd, int64_t N, int64_t C) {
    SHARED(float, gain_parts, [row_lanes][warp]);
    SHARED(float, bias_parts, [row_lanes][warp]);
    const int64_t c = column();
    float gain_sum = 0, bias_sum = 0;
    for (int64_t n = threadIdx.y; n < N && c < C; n += row_lanes) {
        const float d = float(d_y[n * C + c]), x_hat = (float(x[n * C + c]) - mean[n]) * rstd[n];
        gain_sum += d * x_hat;
        bias_sum += d;
    }
    gain_sum = column_sum(gain_sum, gain_parts);
    bias_sum = column_sum(bias_sum, bias_parts);
    if (threadIdx.y != 0 || c >= C) return;
    d_gain[c] += gain_sum;
    if (d_bias) d_bias[c] += bias_sum;
}

template <class Scalar>
__global__ void input_gradient_kernel(Scalar* d_x, const Scalar* d_y, const Scalar* d_residual, const Scalar* x,
                                      const Scalar* gain, const float* mean, const float* rstd, int64_t N, int64_t C) {
    const int64_t n = row(), begin = n * C;
    const int lane = int(threadIdx.x);
    if (n >= N) return;
    const float m = mean[n], r = rstd[n];

    float sum_g = 0, sum_g_x_hat = 0;
    for (int64_t c = lane; c < C; c += warp) {
        const float x_hat = (float(x[begin + c]) - m) * r, g = float(gain[c]) * float(d_y[begin + c]);
        sum_g += g;
        sum_g_x_hat += g * x_hat;
    }
    const float mean_g = warp_sum(sum_g) / float(C), mean_g_x_hat = warp_sum(sum_g_x_hat) / float(C);

    for (int64_t c = lane; c < C; c += warp) {
        const float x_hat = (float(x[begin + c]) - m) * r, g = float(gain[c]) * float(d_y[begin + c]);
        const float residual = d_residual ? float(d_residual[begin + c]) : 0.f;
        d_x[begin + c] = Scalar(r * (g - mean_g - x_hat * mean_g_x_hat) + residual);
    }
}

}  // namespace

void input_gradient(const LayerNormBackward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(input_gradient_kernel<Scalar>, a.x.rows(), s, a.d_x.as<Scalar>(), a.d_y.as<Scalar>(),
                    a.d_residual.as<Scalar>(), a.x.as<Scalar>(), a.gain.as<Scalar>(), a.mean.as<float>(),
                    a.rstd.as<float>(), a.x.rows(), a.x.last());
    });
}

void columns(const LayerNormBackward& a, Stream s) {
    if (a.x.rows() == 0) return;
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_columns(columns_kernel<Scalar>, a.x.last(), s, a.d_gain.as<float>(), a.d_bias.as<float>(),
                       a.d_y.as<Scalar>(), a.x.as<Scalar>(), a.mean.as<float>(), a.rstd.as<float>(), a.x.rows(),
                       a.x.last());
    });
    input_gradient(a, s);  // may overwrite d_y
}

}  // namespace gradus::DEVICE::layernorm_ladder
