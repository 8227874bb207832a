// Dot products of rows with a vector, and their gradients: one pass over the rows each.
#include "kernels/row_dot.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/norm.h"

namespace gradus::cpu {

void row_dot_forward(const RowDotForward& a, Stream) {
    const int64_t N = a.x.rows(), C = a.x.last();
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const Scalar* w = a.w.as<Scalar>();
        parallel(N, norm_grain(C), [&](int64_t first, int64_t last) {
            for (int64_t n = first; n < last; ++n) {
                const Scalar* x = a.x.as<Scalar>() + n * C;
                Floats sums = {};
                sweep(C, [&](int64_t c, auto lanes) { sums += load(x + c, lanes) * load(w + c, lanes); });
                a.y.as<float>()[n] = sum(sums);
            }
        });
    });
}

void row_dot_backward(const RowDotBackward& a, Stream) {
    const int64_t N = a.x.rows(), C = a.x.last();
    float* const totals[] = {a.d_w.as<float>()};
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const Scalar* w = a.w.as<Scalar>();
        by_chunks(N, C, 1, totals, [&](int64_t first, int64_t last, float* d_w) {
            for (int64_t n = first; n < last; ++n) {
                const Scalar* x = a.x.as<Scalar>() + n * C;
                Scalar* d_x = a.d_x.as<Scalar>() + n * C;
                const float d_y = a.d_y.as<float>()[n];
                sweep(C, [&](int64_t c, auto lanes) {
                    store(d_w + c, load(d_w + c, lanes) + load(x + c, lanes) * d_y, lanes);
                    store(d_x + c, load(w + c, lanes) * d_y, lanes);
                });
            }
        });
    });
}

}  // namespace gradus::cpu
