// Cross-entropy, naive: one thread per row, three passes over it, one for each line of the softmax.
//
// The threads of a warp read 32 rows at once, a row apart: every access touches 32 sectors of 32 bytes to use 2 or 4 bytes of each. A
// chunk of 4,096 rows is 128 warps, fewer than a GPU has multiprocessors.
#include "kernels/cuda/ladder/cross_entropy/cross_entropy.h"

namespace gradus::DEVICE::cross_entropy_ladder {

namespace {

template <class Scalar>
__global__ void naive_kernel(Rows<Scalar> rows) {
    const int64_t n = element();
    if (n >= rows.N) return;

    float max = -infinity;
    for (int64_t v = 0; v < rows.V; ++v) max = fmaxf(max, rows.x(n, v));

    float sum_exp = 0, logit_sum = 0;
    for (int64_t v = 0; v < rows.V; ++v) {
        sum_exp += expf(rows.x(n, v) - relative_to(max));
        logit_sum += rows.x(n, v);
    }
    const float lse = rows.log_sum_exp(max, sum_exp);
    rows.write_losses(n, lse, rows.targets[n] < 0 ? 0.f : rows.x(n, rows.targets[n]), logit_sum);

    const float scale = rows.scale(n);
    for (int64_t v = 0; v < rows.V; ++v) rows.row(n)[v] = rows.gradient(n, v, scale, lse, rows.x(n, v));
}

}  // namespace

void naive(const CrossEntropy& a, Stream s) {
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(naive_kernel<Scalar>, a.logits.rows(), s, rows_of<Scalar>(a));
    });
}

}  // namespace gradus::DEVICE::cross_entropy_ladder
