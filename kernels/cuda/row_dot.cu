// Dot products of rows with a vector on a GPU. The formulas are in kernels/row_dot.h.
//
// Plan. Forward: one warp per row. Backward: one thread per element of d_x, and for d_w one block per 32 columns.
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/row_dot.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
__global__ void row_dot_forward_kernel(float* y, const Scalar* x, const Scalar* w, int64_t N, int64_t C) {
    const int64_t n = row();
    if (n >= N) return;
    float sum = 0;
    for (int64_t c = threadIdx.x; c < C; c += warp) sum += float(x[n * C + c]) * float(w[c]);
    sum = warp_sum(sum);
    if (threadIdx.x == 0) y[n] = sum;
}

template <class Scalar>
__global__ void row_dot_input_kernel(Scalar* d_x, const float* d_y, const Scalar* w, int64_t size, int64_t C) {
    const int64_t i = element();
    if (i < size) d_x[i] = Scalar(d_y[i / C] * float(w[i % C]));
}

template <class Scalar>
__global__ void row_dot_weight_kernel(float* d_w, const float* d_y, const Scalar* x, int64_t N, int64_t C) {
    SHARED(float, parts, [row_lanes][warp]);
    const int64_t c = column();
    float sum = 0;
    for (int64_t n = threadIdx.y; n < N && c < C; n += row_lanes) sum += d_y[n] * float(x[n * C + c]);
    sum = column_sum(sum, parts);
    if (threadIdx.y == 0 && c < C) d_w[c] += sum;
}

}  // namespace

void row_dot_forward(const RowDotForward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(row_dot_forward_kernel<Scalar>, N, s, a.y.as<float>(), a.x.as<Scalar>(), a.w.as<Scalar>(), N, C);
    });
}

void row_dot_backward(const RowDotBackward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    if (N == 0) return;
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_columns(row_dot_weight_kernel<Scalar>, C, s, a.d_w.as<float>(), a.d_y.as<float>(), a.x.as<Scalar>(), N,
                       C);
        launch_elements(row_dot_input_kernel<Scalar>, N * C, s, a.d_x.as<Scalar>(), a.d_y.as<float>(), a.w.as<Scalar>(),
                        N * C, C);
    });
}

}  // namespace gradus::DEVICE
