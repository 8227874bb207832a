// Linear: three matmuls with different transpositions, and the column sums of d_y.
#include "kernels/linear.h"

#include <cstring>

#include "kernels/cpu/buffer.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/matmul.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/vector.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

void matmul(const Matmul& p) {
    if (p.a.dtype == DType::bf16 && multiplies_bf16() && p.M > 0 && p.K > 0) onednn_matmul(p);
    else packed_matmul(p);
}

// total[c] += Σ_n x[n,c]. Each thread has a range of columns and adds the rows in order, in blocks, which reduces the rounding
// error of long sums.
template <class Scalar>
void column_sum(float* total, const Scalar* x, int64_t stride, int64_t N, int64_t C) {
    constexpr int64_t block = 64;
    parallel(C, std::max<int64_t>(64, (1 << 16) / N / 64 * 64), [&](int64_t first, int64_t last) {
        for (int64_t n = 0; n < N; n += block)
            sweep(last - first, [&](int64_t i, auto lanes) {
                Floats part = {};
                for (int64_t row = n; row < std::min(N, n + block); ++row)
                    part += load(x + row * stride + first + i, lanes);
                store(total + first + i, load(total + first + i, lanes) + part, lanes);
            });
    });
}

}  // namespace

void linear_forward(const LinearForward& a, Stream) {
    const Matmul p = {.out = a.y.data,
                      .dtype = a.y.dtype,
                      .M = a.x.rows(),
                      .N = a.y.last(),
                      .K = a.x.last(),
                      .a = matrix(a.x),
                      .b = matrix(a.w).transposed(),
                      .bias = a.b.data,
                      .out_stride = a.y.stride()};
    if (p.M >= 1 && p.M <= thin_rows) thin_matmul(p);
    else matmul(p);
}

void linear_backward_input(const LinearBackwardInput& a, Stream) {
    matmul({.out = a.d_x.data,
            .dtype = a.d_x.dtype,
            .M = a.d_y.rows(),
            .N = a.d_x.last(),
            .K = a.d_y.last(),
            .a = matrix(a.d_y),
            .b = matrix(a.w)});
}

void linear_backward_weight(const LinearBackwardWeight& a, Stream) {
    if (a.x.rows() == 0) {
        if (a.overwrite) std::memset(a.d_w.data, 0, a.d_w.bytes());
        return;
    }
    matmul({.out = a.d_w.data,
            .dtype = a.d_w.dtype,
            .M = a.d_y.last(),
            .N = a.x.last(),
            .K = a.x.rows(),
            .a = matrix(a.d_y).transposed(),
            .b = matrix(a.x),
            .accumulate = !a.overwrite});
    if (!a.d_b) return;
    by_dtype(a.d_y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        column_sum(a.d_b.as<float>(), a.d_y.as<Scalar>(), a.d_y.stride(), a.d_y.rows(), a.d_y.last());
    });
}

}  // namespace gradus::cpu
