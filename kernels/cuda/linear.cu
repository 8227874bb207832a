// Linear on a GPU. The formulas are in kernels/linear.h.
//
// Plan. Three calls of matmul() (kernels/cuda/matmul.h) with different transpositions. d_b is a sum over rows (column_sums.h).
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/matmul.h"
#include "kernels/cuda/memory.h"
#include "kernels/linear.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar, int columns>
struct BiasTerms {
    static constexpr int sums = 1, width = columns;
    const Scalar* d_y;
    int64_t stride;

    __device__ void add(float (&to)[sums][width], int64_t n, int64_t o) const {
        const auto part = load_part<width>(d_y + n * stride + o);
        for (int i = 0; i < width; ++i) to[0][i] += part[i];
    }
};

}  // namespace

void linear_forward(const LinearForward& a, Stream s) {
    matmul({.c = a.y, .a = a.x, .b = a.w, .transpose_b = true, .bias = a.b}, s);
}

void linear_backward_input(const LinearBackwardInput& a, Stream s) { matmul({.c = a.d_x, .a = a.d_y, .b = a.w}, s); }

void linear_backward_weight(const LinearBackwardWeight& a, Stream s) {
    const int64_t N = a.x.rows(), O = a.d_y.last();
    if (N == 0) {
        if (a.overwrite) zero(a.d_w.data, a.d_w.bytes(), s);
        return;
    }
    matmul({.c = a.d_w, .a = a.d_y, .b = a.x, .transpose_a = true, .accumulate = !a.overwrite}, s);
    if (!a.d_b) return;
    by_dtype(a.d_y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_width<vector_width<Scalar>>(vectors_fit({a.d_y}), [&](auto width) {
            launch_column_sums(a.d_b.as<float>(), nullptr, BiasTerms<Scalar, width>{a.d_y.as<Scalar>(), a.d_y.stride()},
                               N, O, s);
        });
    });
}

}  // namespace gradus::DEVICE
