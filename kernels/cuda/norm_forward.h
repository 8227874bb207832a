#pragma once
// The forward pass of both norms. The formulas are in kernels/layernorm.h and kernels/rmsnorm.h.
//
// Plan. A group of threads per row, which it holds in registers (row.h): the mean, the variance from differences, the output. So x is
// read once and y written once; gain and bias come from the cache. Fused with the residual add, the row is the rounded sum, written
// once too.
#include "kernels/cuda/row.h"

namespace gradus::DEVICE {

template <class Scalar>
struct NormForward {
    Scalar *y, *x;       // x: null, or the sum of a and b
    float *mean, *rstd;  // mean: null for RMSNorm
    const Scalar *a, *b, *gain, *bias;
    int64_t N, C;
    float eps, one_over_C = 1 / float(C);
};

constexpr int forward_threads = 128, most_forward_threads = 512;

template <class Row, bool centred>
__global__ void __launch_bounds__(most_forward_threads, 1) norm_forward_kernel(NormForward<typename Row::Scalar> f) {
    using Scalar = typename Row::Scalar;
    SHARED(float, mean_parts, [1][warp]);
    SHARED(float, variance_parts, [1][warp]);
    const int64_t n = row(), begin = n * f.C;
    const bool given = n < f.N;
    Row x(f.a + begin, given ? f.C : 0);
    if (f.b) x.add(f.b + begin, f.x + begin);

    float mean = 0;
    if constexpr (centred) {
        float sum[1] = {sum_of(x, [](float value) { return value; })};
        group_sums(sum, mean_parts);
        mean = sum[0] * f.one_over_C;
    }
    float squares[1] = {sum_of(x, [&](float value) { return (value - mean) * (value - mean); })};
    group_sums(squares, variance_parts);
    const float rstd = 1 / sqrtf(squares[0] * f.one_over_C + f.eps);

    x.each([&](int k, auto c) {
        const auto value = x.part(k, c), gain = load_part<Row::width>(f.gain + c);
        Part<Scalar, Row::width> bias = {};
        if (centred && f.bias) bias = load_part<Row::width>(f.bias + c);
        store_part(f.y + begin + c, part_of<Scalar, Row::width>([&](int i) {
                       const float scaled = gain[i] * ((value[i] - mean) * rstd);
                       return centred ? scaled + bias[i] : scaled;
                   }));
    });
    if (threadIdx.x != 0 || !given) return;
    if constexpr (centred) f.mean[n] = mean;
    f.rstd[n] = rstd;
}

// `vectors`: vectors_fit() all tensors of [N,C] and [C].
template <bool centred, class Scalar>
void launch_norm_forward(const NormForward<Scalar>& f, bool vectors, Stream s) {
    if (f.N == 0) return;
    const RowGroups groups = row_groups<Scalar>(f.C, vectors, forward_threads, most_forward_threads);
    by_row<Scalar>(groups, [&](auto row) {
        using Row = typename decltype(row)::type;
        launch(norm_forward_kernel<Row, centred>, blocks_for(f.N, groups.rows), groups.block(), 0, s, f);
    });
}

}  // namespace gradus::DEVICE
