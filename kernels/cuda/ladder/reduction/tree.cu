// The sum of squares with a tree in shared memory: each thread of a block adds every 256th square, then half of the threads add the sums
// of the other half, then a quarter, and so on. Each level of the tree is two accesses to shared memory and a barrier of the block.
#include "kernels/cuda/ladder/reduction/reduction.h"

namespace gradus::DEVICE::reduction_ladder {

namespace {

template <class Scalar>
__global__ void tree_kernel(double* total, const Scalar* x, int64_t size) {
    SHARED(double, sums, [threads_per_block]);
    const int thread = int(threadIdx.x);
    double sum = 0;
    for (int64_t i = thread; i < size; i += threads_per_block) sum += wide(x[i]) * wide(x[i]);
    sums[thread] = sum;
    for (int half = threads_per_block / 2; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half) sums[thread] += sums[thread + half];
    }
    if (thread == 0) *total += sums[0];
}

}  // namespace

void tree(const SquareSum& a, Stream s) {
    by_any_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch(tree_kernel<Scalar>, dim3(1), dim3(threads_per_block), 0, s, a.total.as<double>(), a.x.as<Scalar>(),
               a.x.size());
    });
}

}  // namespace gradus::DEVICE::reduction_ladder
