// Linear on a GPU. The formulas are in kernels/linear.h.
//
// Plan. Three calls of matmul() (kernels/cuda/matmul.h) with different transpositions. d_b is a sum over rows: one block per 32
// columns.
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/matmul.h"
#include "kernels/linear.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
__global__ void linear_bias_kernel(float* d_b, const Scalar* d_y, int64_t stride, int64_t N, int64_t O) {
    SHARED(float, parts, [row_lanes][warp]);
    const int64_t o = column();
    float sum = 0;
    for (int64_t n = threadIdx.y; n < N && o < O; n += row_lanes) sum += float(d_y[n * stride + o]);
    sum = column_sum(sum, parts);
    if (threadIdx.y == 0 && o < O) d_b[o] += sum;
}

}  // namespace

void linear_forward(const LinearForward& a, Stream s) {
    matmul({.c = a.y, .a = a.x, .b = a.w, .transpose_b = true, .bias = a.b}, s);
}

void linear_backward_input(const LinearBackwardInput& a, Stream s) { matmul({.c = a.d_x, .a = a.d_y, .b = a.w}, s); }

void linear_backward_weight(const LinearBackwardWeight& a, Stream s) {
    const int64_t N = a.x.rows(), O = a.d_y.last();
    matmul({.c = a.d_w, .a = a.d_y, .b = a.x, .transpose_a = true, .accumulate = true}, s);
    if (!a.d_b || N == 0) return;
    by_dtype(a.d_y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_columns(linear_bias_kernel<Scalar>, O, s, a.d_b.as<float>(), a.d_y.as<Scalar>(), a.d_y.stride(), N, O);
    });
}

}  // namespace gradus::DEVICE
