// wgmma: on Hopper a warpgroup, four warps, multiplies 64 by 128 by 16 with one instruction, from tiles in shared memory: no ldmatrix,
// no fragments in registers, and the full rate of the tensor cores, of which mma.sync reaches 62 %.
//
// The tiles have the swizzle that wgmma reads, which is that of OperandTile. Threads fill them with cp.async, so each makes its
// writes visible to the tensor cores (fence_async) before the barrier. Attention's kernel for sm_90a fills them with TMA, from a warp of
// its own.
#include "kernels/cuda/ladder/matmul/linear.h"
#include "kernels/cuda/matmul/operand_tile.h"

namespace gradus::DEVICE {

namespace {

constexpr int extent = 128, depth = 64, groups = 2, threads = groups * 128, rows_of_group = 64, stages = 3;
constexpr unsigned eight_rows = 8 * depth * sizeof(bf16);

using Tile = OperandTile<Major::k, extent, depth>;
using Copies = OperandCopies<Major::k, extent, depth, threads>;

__global__ __launch_bounds__(threads, 1) void wgmma_kernel(LinearTask<bf16> task) {
    DYNAMIC_SHARED(bf16, slots);
    const int n = int(blockIdx.y) * extent, o = int(blockIdx.x) * extent, group = int(threadIdx.x) / 128;
    Copies copies_x(task.x, task.I, n, task.N, 0, task.I), copies_w(task.w, task.I, o, task.O, 0, task.I);
    const auto start = [&](int slot) {
        copies_x.start(slots + slot * 2 * Tile::elements);
        copies_w.start(slots + (slot * 2 + 1) * Tile::elements);
        copy_async_commit();
    };
    float sums[64] = {};
    for (int slot = 0; slot < stages - 1; ++slot) start(slot);
    for (int i = 0, slot = 0; i < task.I; i += depth, slot = (slot + 1) % stages) {
        copy_async_wait<stages - 2>();
        fence_async();
        __syncthreads();  // the slice is there, and the one before is multiplied
        start((slot + stages - 1) % stages);
        const bf16* const x = slots + slot * 2 * Tile::elements + group * rows_of_group * depth;
        const bf16* const w = slots + (slot * 2 + 1) * Tile::elements;
        wgmma_fence(sums);
#pragma unroll
        for (int k = 0; k < depth; k += 16)
            wgmma(sums, matrix_descriptor(x + k, 16, eight_rows, Swizzle::bytes_128),
                  matrix_descriptor(w + k, 16, eight_rows, Swizzle::bytes_128));
        wgmma_commit();
        wgmma_wait<0>(sums);
    }
    copy_async_wait<0>();
    const int t = int(threadIdx.x) % 128, row = n + group * rows_of_group + t / 32 * 16 + t % 32 / 4;
#pragma unroll
    for (int j = 0; j < 64; ++j) task.write(row + j / 2 % 2 * 8, o + j / 4 * 8 + t % 4 * 2 + j % 2, sums[j]);
}

}  // namespace

void wgmma_linear(const LinearForward& a, Stream s) {
    if (a.x.dtype != DType::bf16 || !rows_are_packs(a)) return shipped_linear(a, s);
    with_task(a, [&](auto task) {
        if constexpr (std::is_same_v<decltype(task), LinearTask<bf16>>)
            launch(wgmma_kernel, tiles_of(a, extent, extent), dim3(threads), stages * 2 * Tile::elements * sizeof(bf16),
                   s, task);
    });
}

}  // namespace gradus::DEVICE
