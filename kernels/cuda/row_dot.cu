// Dot products of rows with a vector on a GPU. The formulas are in kernels/row_dot.h.
//
// Plan. One warp per row: forward adds up the products of its lanes' parts, backward writes d_y[n] · w. d_w is a sum over rows
// (column_sums.h).
#include "kernels/row_dot.h"

#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

namespace {

template <int width, class Scalar>
__global__ void row_dot_forward_kernel(float* y, const Scalar* x, const Scalar* w, int64_t N, int64_t C) {
    const int64_t n = row();
    if (n >= N) return;
    float sum = 0;
#pragma unroll 4
    for (int64_t c = threadIdx.x * width; c < C; c += warp * width) {
        const auto x_part = load_part<width>(x + n * C + c), w_part = load_part<width>(w + c);
        for (int i = 0; i < width; ++i) sum += x_part[i] * w_part[i];
    }
    sum = warp_sum(sum);
    if (threadIdx.x == 0) y[n] = sum;
}

template <int width, class Scalar>
__global__ void row_dot_input_kernel(Scalar* d_x, const float* d_y, const Scalar* w, int64_t N, int64_t C) {
    const int64_t n = row();
    if (n >= N) return;
    const float d = d_y[n];
    for (int64_t c = threadIdx.x * width; c < C; c += warp * width) {
        const auto part = load_part<width>(w + c);
        store_part(d_x + n * C + c, part_of<Scalar, width>([&](int i) { return d * part[i]; }));
    }
}

template <class Scalar, int columns>
struct RowDotTerms {
    static constexpr int sums = 1, width = columns;
    const float* d_y;
    const Scalar* x;
    int64_t C;

    __device__ void add(float (&to)[sums][width], int64_t n, int64_t c) const {
        const auto part = load_part<width>(x + n * C + c);
        const float d = d_y[n];
        for (int i = 0; i < width; ++i) to[0][i] += d * part[i];
    }
};

}  // namespace

void row_dot_forward(const RowDotForward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_width<vector_width<Scalar>>(vectors_fit({a.x, a.w}), [&](auto width) {
            launch_rows(row_dot_forward_kernel<width, Scalar>, N, s, a.y.as<float>(), a.x.as<Scalar>(),
                        a.w.as<Scalar>(), N, C);
        });
    });
}

void row_dot_backward(const RowDotBackward& a, Stream s) {
    const int64_t N = a.x.rows(), C = a.x.last();
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_width<vector_width<Scalar>>(vectors_fit({a.x, a.w, a.d_x}), [&](auto width) {
            launch_column_sums(a.d_w.as<float>(), nullptr,
                               RowDotTerms<Scalar, width>{a.d_y.as<float>(), a.x.as<Scalar>(), C}, N, C, s);
            launch_rows(row_dot_input_kernel<width, Scalar>, N, s, a.d_x.as<Scalar>(), a.d_y.as<float>(),
                        a.w.as<Scalar>(), N, C);
        });
    });
}

}  // namespace gradus::DEVICE
