// The sum of squares in packs of 16 bytes, four of which a thread requests before it uses the first: 64 bytes in flight instead of 2 or 4.
// It is still one block, and so one SM. Tensors that are not aligned take the rung before.
#include "kernels/cuda/ladder/reduction/reduction.h"
#include "kernels/cuda/parts.h"

namespace gradus::DEVICE::reduction_ladder {

namespace {

constexpr int warps = threads_per_block / warp, packs_in_flight = 4;

template <class Scalar>
__global__ void packs_kernel(double* total, const Scalar* x, int64_t size) {
    SHARED(double, of_warps, [warps]);
    constexpr int width = vector_width<Scalar>;
    const int64_t thread = threadIdx.y * warp + threadIdx.x, in_packs = size / width * width;
    double sum = 0;
#pragma unroll packs_in_flight
    for (int64_t i = thread * width; i < in_packs; i += threads_per_block * width) {
        const Pack<Scalar> pack = load_pack(x + i);
        for (int k = 0; k < width; ++k) sum += wide(pack[k]) * wide(pack[k]);
    }
    if (in_packs + thread < size) sum += wide(x[in_packs + thread]) * wide(x[in_packs + thread]);
    sum = block_sum(sum, of_warps);
    if (threadIdx.x == 0 && threadIdx.y == 0) *total += sum;
}

}  // namespace

void packs(const SquareSum& a, Stream s) {
    if (reinterpret_cast<uintptr_t>(a.x.data) % 16) return shuffles(a, s);
    by_any_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch(packs_kernel<Scalar>, dim3(1), dim3(warp, warps), 0, s, a.total.as<double>(), a.x.as<Scalar>(),
               a.x.size());
    });
}

}  // namespace gradus::DEVICE::reduction_ladder
