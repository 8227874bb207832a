// LayerNorm on a GPU. The formulas are in kernels/layernorm.h.
//
// Plan.
//   forward         One warp per row. Three passes over it: the mean, the variance from differences, the output. The
//                   second and third read the row from the cache.
//   d_x             One warp per row: the two means of the formula, then d_x.
//   d_gain, d_bias  Sums over rows, in their own kernel: one block per 32 columns. It runs before the kernel of d_x, which
//                   may overwrite d_y.
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/layernorm.h"

namespace gradus::DEVICE {

namespace {

// ---- forward -----------------------------------------------------------------------------------------------------

// One warp normalises one row. Each lane reads only channels that it wrote itself, so add_layernorm needs no barrier after
// writing x.
template <class Scalar>
__device__ void normalise(Scalar* y, float* mean, float* rstd, const Scalar* x, const Scalar* gain, const Scalar* bias,
                          int64_t C, float eps) {
    const int lane = threadIdx.x;
    float sum = 0;
    for (int64_t c = lane; c < C; c += warp) sum += float(x[c]);
    const float m = warp_sum(sum) / float(C);

    float squares = 0;
    for (int64_t c = lane; c < C; c += warp) squares += (float(x[c]) - m) * (float(x[c]) - m);
    const float r = 1 / sqrtf(warp_sum(squares) / float(C) + eps);

    for (int64_t c = lane; c < C; c += warp) {
        const float x_hat = (float(x[c]) - m) * r;
        y[c] = Scalar(float(gain[c]) * x_hat + (bias ? float(bias[c]) : 0.f));
    }
    if (lane == 0) {
        *mean = m;
        *rstd = r;
    }
}

template <class Scalar>
__global__ void layernorm_forward_kernel(Scalar* y, float* mean, float* rstd, const Scalar* x, const Scalar* gain,
                                         const Scalar* bias, int64_t N, int64_t C, float eps) {
    const int64_t n = row();
    if (n < N) normalise(y + n * C, mean + n, rstd + n, x + n * C, gain, bias, C, eps);
}

template <class Scalar>
__global__ void add_layernorm_forward_kernel(Scalar* y, Scalar* x, float* mean, float* rstd, const Scalar* a,
                                             const Scalar* b, const Scalar* gain, const Scalar* bias, int64_t N,
                                             int64_t C, float eps) {
    const int64_t n = row();
    if (n >= N) return;
    for (int64_t i = n * C + threadIdx.x; i < (n + 1) * C; i += warp) x[i] = Scalar(float(a[i]) + float(b[i]));
    normalise(y + n * C, mean + n, rstd + n, x + n * C, gain, bias, C, eps);
}

// ---- backward: d_x -----------------------------------------------------------------------------------------------

template <class Scalar>
__global__ void layernorm_backward_kernel(Scalar* d_x, const Scalar* d_y, const Scalar* d_residual, const Scalar* x,
                                          const Scalar* gain, const float* mean, const float* rstd, int64_t N,
                                          int64_t C) {
    const int64_t n = row(), begin = n * C;
    const int lane = threadIdx.x;
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

// ---- backward: d_gain, d_bias ------------------------------------------------------------------------------------

template <class Scalar>
__global__ void layernorm_columns_kernel(float* d_gain, float* d_bias, const Scalar* d_y, const Scalar* x,
                                         const float* mean, const float* rstd, int64_t N, int64_t C) {
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

}  // namespace

void layernorm_forward(const LayerNormForward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(layernorm_forward_kernel<Scalar>, N, s, a.y.as<Scalar>(), a.mean.as<float>(), a.rstd.as<float>(),
                    a.x.as<Scalar>(), a.gain.as<Scalar>(), a.bias.as<Scalar>(), N, C, float(a.eps));
    });
}

void add_layernorm_forward(const AddLayerNormForward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(add_layernorm_forward_kernel<Scalar>, N, s, a.y.as<Scalar>(), a.x.as<Scalar>(), a.mean.as<float>(),
                    a.rstd.as<float>(), a.a.as<Scalar>(), a.b.as<Scalar>(), a.gain.as<Scalar>(), a.bias.as<Scalar>(), N,
                    C, float(a.eps));
    });
}

void layernorm_backward(const LayerNormBackward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    if (N == 0) return;
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_columns(layernorm_columns_kernel<Scalar>, C, s, a.d_gain.as<float>(), a.d_bias.as<float>(),
                       a.d_y.as<Scalar>(), a.x.as<Scalar>(), a.mean.as<float>(), a.rstd.as<float>(), N, C);
        launch_rows(layernorm_backward_kernel<Scalar>, N, s, a.d_x.as<Scalar>(), a.d_y.as<Scalar>(),
                    a.d_residual.as<Scalar>(), a.x.as<Scalar>(), a.gain.as<Scalar>(), a.mean.as<float>(),
                    a.rstd.as<float>(), N, C);
    });
}

}  // namespace gradus::DEVICE
