// RMSNorm on a GPU. The formulas are in kernels/rmsnorm.h.
//
// Plan.
//   forward   One warp per row. Two passes over it: the mean of the squares, the output. The second reads the row from the
//             cache.
//   d_x       One warp per row: the mean of the formula, then d_x.
//   d_gain    A sum over rows, in its own kernel: one block per 32 columns. It runs before the kernel of d_x, which may
//             overwrite d_y.
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/rmsnorm.h"

namespace gradus::DEVICE {

namespace {

// ---- forward -----------------------------------------------------------------------------------------------------

// One warp normalises one row. Each lane reads only channels that it wrote itself, so add_rmsnorm needs no barrier after
// writing x.
template <class Scalar>
__device__ void normalise(Scalar* y, float* rstd, const Scalar* x, const Scalar* gain, int64_t C, float eps) {
    const int lane = threadIdx.x;
    float squares = 0;
    for (int64_t c = lane; c < C; c += warp) squares += float(x[c]) * float(x[c]);
    const float r = 1 / sqrtf(warp_sum(squares) / float(C) + eps);

    for (int64_t c = lane; c < C; c += warp) {
        const float x_hat = float(x[c]) * r;
        y[c] = Scalar(float(gain[c]) * x_hat);
    }
    if (lane == 0) *rstd = r;
}

template <class Scalar>
__global__ void rmsnorm_forward_kernel(Scalar* y, float* rstd, const Scalar* x, const Scalar* gain, int64_t N,
                                       int64_t C, float eps) {
    const int64_t n = row();
    if (n < N) normalise(y + n * C, rstd + n, x + n * C, gain, C, eps);
}

template <class Scalar>
__global__ void add_rmsnorm_forward_kernel(Scalar* y, Scalar* x, float* rstd, const Scalar* a, const Scalar* b,
                                           const Scalar* gain, int64_t N, int64_t C, float eps) {
    const int64_t n = row();
    if (n >= N) return;
    for (int64_t i = n * C + threadIdx.x; i < (n + 1) * C; i += warp) x[i] = Scalar(float(a[i]) + float(b[i]));
    normalise(y + n * C, rstd + n, x + n * C, gain, C, eps);
}

// ---- backward: d_x -----------------------------------------------------------------------------------------------

template <class Scalar>
__global__ void rmsnorm_backward_kernel(Scalar* d_x, const Scalar* d_y, const Scalar* d_residual, const Scalar* x,
                                        const Scalar* gain, const float* rstd, int64_t N, int64_t C) {
    const int64_t n = row(), begin = n * C;
    const int lane = threadIdx.x;
    if (n >= N) return;
    const float r = rstd[n];

    float sum_g_x_hat = 0;
    for (int64_t c = lane; c < C; c += warp) {
        const float x_hat = float(x[begin + c]) * r, g = float(gain[c]) * float(d_y[begin + c]);
        sum_g_x_hat += g * x_hat;
    }
    const float mean_g_x_hat = warp_sum(sum_g_x_hat) / float(C);

    for (int64_t c = lane; c < C; c += warp) {
        const float x_hat = float(x[begin + c]) * r, g = float(gain[c]) * float(d_y[begin + c]);
        const float residual = d_residual ? float(d_residual[begin + c]) : 0.f;
        d_x[begin + c] = Scalar(r * (g - x_hat * mean_g_x_hat) + residual);
    }
}

// ---- backward: d_gain --------------------------------------------------------------------------------------------

template <class Scalar>
__global__ void rmsnorm_columns_kernel(float* d_gain, const Scalar* d_y, const Scalar* x, const float* rstd, int64_t N,
                                       int64_t C) {
    SHARED(float, parts, [row_lanes][warp]);
    const int64_t c = column();
    float sum = 0;
    for (int64_t n = threadIdx.y; n < N && c < C; n += row_lanes) {
        const float x_hat = float(x[n * C + c]) * rstd[n];
        sum += float(d_y[n * C + c]) * x_hat;
    }
    sum = column_sum(sum, parts);
    if (threadIdx.y == 0 && c < C) d_gain[c] += sum;
}

}  // namespace

void rmsnorm_forward(const RmsNormForward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(rmsnorm_forward_kernel<Scalar>, N, s, a.y.as<Scalar>(), a.rstd.as<float>(), a.x.as<Scalar>(),
                    a.gain.as<Scalar>(), N, C, float(a.eps));
    });
}

void add_rmsnorm_forward(const AddRmsNormForward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(add_rmsnorm_forward_kernel<Scalar>, N, s, a.y.as<Scalar>(), a.x.as<Scalar>(), a.rstd.as<float>(),
                    a.a.as<Scalar>(), a.b.as<Scalar>(), a.gain.as<Scalar>(), N, C, float(a.eps));
    });
}

void rmsnorm_backward(const RmsNormBackward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    if (N == 0) return;
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_columns(rmsnorm_columns_kernel<Scalar>, C, s, a.d_gain.as<float>(), a.d_y.as<Scalar>(), a.x.as<Scalar>(),
                       a.rstd.as<float>(), N, C);
        launch_rows(rmsnorm_backward_kernel<Scalar>, N, s, a.d_x.as<Scalar>(), a.d_y.as<Scalar>(),
                    a.d_residual.as<Scalar>(), a.x.as<Scalar>(), a.gain.as<Scalar>(), a.rstd.as<float>(), N, C);
    });
}

}  // namespace gradus::DEVICE
