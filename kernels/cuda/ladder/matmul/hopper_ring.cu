// hopper_ring: in the rung before, all threads copy, wait and multiply in step. Here one thread does nothing but start copies by tensor
// map, tile after tile, into a ring of stages, and two warpgroups do nothing but multiply. Nobody computes addresses of a tile's
// elements, no barrier stops all threads, and the next wgmma is issued while the one before runs. setmaxnreg gives the producer's registers
// to the others.
//
// A block computes one tile of 128 by 128, and writes its sums as the fragments lie: two columns a thread.
#include "kernels/cuda/ladder/matmul/linear.h"
#include "kernels/cuda/matmul/hopper_ring.h"
#include "kernels/cuda/matmul/own.h"

namespace gradus::DEVICE {

namespace {

using RingTile = HopperTile<128, 6>;
using RingStage = MatmulStage<RingTile, Major::k, Major::k>;

__global__ void __launch_bounds__(RingTile::threads, 1)
    hopper_ring_kernel(const __grid_constant__ OperandMaps maps, MatmulTask task, LinearTask<bf16> linear) {
    DYNAMIC_SHARED(RingStage, ring);
    SHARED(RingTile::Barriers, barriers, );
    begin_ring(barriers);

    if (threadIdx.x < warpgroup_threads) {
        registers_lower<RingTile::producer_registers>();
        if (threadIdx.x == 0) produce<RingTile>(ring, barriers, maps, task);
        return;
    }
    registers_raise<RingTile::consumer_registers>();
    const int row = (int(threadIdx.x) / warpgroup_threads - 1) * warpgroup_rows;
    const int t = int(threadIdx.x) % warpgroup_threads, row_of_thread = row + t / warp * 16 + t % warp / 4;
    float sums[RingTile::columns / 2];
    int i = 0;
    each_part<RingTile>(task, [&](const MatmulPart& part) {
        multiply_part<RingTile>(sums, ring, barriers, part, row, i);
#pragma unroll
        for (int j = 0; j < RingTile::columns / 2; ++j)
            linear.write(part.m + row_of_thread + j / 2 % 2 * 8, part.n + j / 4 * 8 + t % 4 * 2 + j % 2, sums[j]);
    });
}

}  // namespace

void hopper_ring_linear(const LinearForward& a, Stream s) {
    const Matmul p = matmul_of(a);
    if (a.x.rows() == 0 || !on_tensor_cores(p)) return shipped_linear(a, s);
    const MatmulTask task = {
        .M = int(a.x.rows()), .N = int(a.y.last()), .K = int(a.x.last()), .splits = 1, .depth = int(a.x.last())};
    with_task(a, [&](auto linear) {
        if constexpr (std::is_same_v<decltype(linear), LinearTask<bf16>>)
            launch(hopper_ring_kernel, blocks_for(part_count<RingTile>(task), 1), dim3(RingTile::threads),
                   RingTile::stages * sizeof(RingStage), s,
                   OperandMaps{tensor_map(operand_box(p.a, Major::k, RingTile::rows)),
                               tensor_map(operand_box(p.b, Major::k, RingTile::columns))},
                   task, linear);
    });
}

}  // namespace gradus::DEVICE
