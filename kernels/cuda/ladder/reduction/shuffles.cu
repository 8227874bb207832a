// The sum of squares with shuffles: the lanes of a warp exchange their sums in registers, without shared memory and without a barrier.
// One barrier remains, after which one thread adds the sums of the eight warps.
#include "kernels/cuda/ladder/reduction/reduction.h"

namespace gradus::DEVICE::reduction_ladder {

namespace {

constexpr int warps = threads_per_block / warp;

template <class Scalar>
__global__ void shuffles_kernel(double* total, const Scalar* x, int64_t size) {
    SHARED(double, of_warps, [warps]);
    double sum = 0;
    for (int64_t i = threadIdx.y * warp + threadIdx.x; i < size; i += threads_per_block) sum += wide(x[i]) * wide(x[i]);
    sum = block_sum(sum, of_warps);
    if (threadIdx.x == 0 && threadIdx.y == 0) *total += sum;
}

}  // namespace

void shuffles(const SquareSum& a, Stream s) {
    by_any_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch(shuffles_kernel<Scalar>, dim3(1), dim3(warp, warps), 0, s, a.total.as<double>(), a.x.as<Scalar>(),
               a.x.size());
    });
}

}  // namespace gradus::DEVICE::reduction_ladder
