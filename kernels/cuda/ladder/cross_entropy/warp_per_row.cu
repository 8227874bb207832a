// Cross-entropy, one warp per row: the lanes read neighbouring logits, so no byte of a sector is wasted, and shuffles combine their
// maxima and sums. Three passes: a row of 50,257 bf16 is 100 KB, and the second and third pass find at most a part of it in a cache.
#include "kernels/cuda/ladder/cross_entropy/cross_entropy.h"

namespace gradus::DEVICE::cross_entropy_ladder {

namespace {

template <class Scalar>
__global__ void warp_per_row_kernel(Rows<Scalar> rows) {
    const int64_t n = row();
    const int lane = int(threadIdx.x);
    if (n >= rows.N) return;

    float max = -infinity;
    for (int64_t v = lane; v < rows.V; v += warp) max = fmaxf(max, rows.x(n, v));
    max = warp_max(max);

    float sum_exp = 0, logit_sum = 0;
    for (int64_t v = lane; v < rows.V; v += warp) {
        sum_exp += expf(rows.x(n, v) - relative_to(max));
        logit_sum += rows.x(n, v);
    }
    const float lse = rows.log_sum_exp(max, warp_sum(sum_exp));
    logit_sum = warp_sum(logit_sum);
    if (lane == 0) rows.write_losses(n, lse, rows.targets[n] < 0 ? 0.f : rows.x(n, rows.targets[n]), logit_sum);
    __syncwarp();  // before the logit of the target is overwritten

    const float scale = rows.scale(n);
    for (int64_t v = lane; v < rows.V; v += warp) rows.row(n)[v] = rows.gradient(n, v, scale, lse, rows.x(n, v));
}

}  // namespace

void warp_per_row(const CrossEntropy& a, Stream s) {
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(warp_per_row_kernel<Scalar>, a.logits.rows(), s, rows_of<Scalar>(a));
    });
}

}  // namespace gradus::DEVICE::cross_entropy_ladder
