// Cross-entropy, one block per row and an online softmax: the maximum and the sum in one pass. A thread keeps the sum of exponentials
// relative to its largest logit so far; a larger one rescales the sum by exp(old − new). Two partial results (m₁, s₁) and (m₂, s₂)
// combine by the same rule: m = max(m₁, m₂), s = s₁·exp(m₁ − m) + s₂·exp(m₂ − m). The row is read twice instead of three times.
#include "kernels/cuda/ladder/cross_entropy/cross_entropy.h"

namespace gradus::DEVICE::cross_entropy_ladder {

namespace {

constexpr int warps = threads_per_block / warp;

struct Softmax {
    float max = -infinity, sum_exp = 0, logit_sum = 0;

    __device__ void raise(float other) {
        if (!(other > max)) return;
        sum_exp *= expf(max - other);
        max = other;
    }
    __device__ void add(float x) {
        raise(x);
        sum_exp += expf(x - relative_to(max));
        logit_sum += x;
    }
};

template <class Scalar>
__global__ void block_per_row_kernel(Rows<Scalar> rows) {
    SHARED(Softmax, of_warps, [warps]);
    const int64_t n = blockIdx.x;
    const int thread = int(threadIdx.y) * warp + int(threadIdx.x);

    Softmax own;
    for (int64_t v = thread; v < rows.V; v += threads_per_block) own.add(rows.x(n, v));
    own.raise(warp_max(own.max));
    own.sum_exp = warp_sum(own.sum_exp);
    own.logit_sum = warp_sum(own.logit_sum);
    if (threadIdx.x == 0) of_warps[threadIdx.y] = own;
    __syncthreads();

    Softmax all;
    for (int k = 0; k < warps; ++k) {
        Softmax part = of_warps[k];
        all.raise(part.max);
        part.raise(all.max);
        all.sum_exp += part.sum_exp;
        all.logit_sum += part.logit_sum;
    }
    const float lse = rows.log_sum_exp(all.max, all.sum_exp);
    if (thread == 0) rows.write_losses(n, lse, rows.targets[n] < 0 ? 0.f : rows.x(n, rows.targets[n]), all.logit_sum);
    __syncthreads();  // before the logit of the target is overwritten

    const float scale = rows.scale(n);
    for (int64_t v = thread; v < rows.V; v += threads_per_block)
        rows.row(n)[v] = rows.gradient(n, v, scale, lse, rows.x(n, v));
}

}  // namespace

void block_per_row(const CrossEntropy& a, Stream s) {
    if (a.logits.rows() == 0) return;
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch(block_per_row_kernel<Scalar>, blocks_for(a.logits.rows(), 1), dim3(warp, warps), 0, s,
               rows_of<Scalar>(a));
    });
}

}  // namespace gradus::DEVICE::cross_entropy_ladder
