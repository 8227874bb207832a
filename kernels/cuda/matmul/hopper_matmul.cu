// The matmul of bf16 on sm_90a: TMA, wgmma and warp specialisation (hopper_ring.h).
//
// Plan. As many blocks as the GPU has multiprocessors walk over the tiles of c, of 128 by 256 or 128 by 128. A consumer multiplies
// 64 rows of a tile by all its columns, one wgmma for 16 of k, with the sums in registers; setmaxnreg gives it those that the producer
// does not need. At the end of a tile each of its warps passes its 16 rows through a strip of shared memory, 64 columns at a time
// (strip.h). Consumers do not wait for each other: one may store while the other still multiplies, and the producer fills the ring for
// the next tile meanwhile.
#include <array>

#include "kernels/choices.h"
#include "kernels/cuda/matmul/forms.h"
#include "kernels/cuda/matmul/hopper_ring.h"
#include "kernels/cuda/matmul/own.h"
#include "kernels/cuda/matmul/strip.h"
#include "kernels/cuda/memory.h"

namespace gradus::DEVICE {

namespace {

using Square = HopperTile<128, 6>;
using Wide = HopperTile<256, 4>;

constexpr int strip_columns = 64, rows_of_warp = 16;
using PartStrip = Strip<strip_columns>;

template <class Tile, class Stage>
struct HopperMatmulStorage {
    Stage ring[Tile::stages];
    float strips[Tile::consumer_warps][PartStrip::sums];
};

template <class Tile, class Stage, MatmulEnd end>
__global__ void __launch_bounds__(Tile::threads, 1)
    hopper_matmul_kernel(const __grid_constant__ OperandMaps maps, MatmulTask task, bool result_f32) {
    using Storage = HopperMatmulStorage<Tile, Stage>;
    DYNAMIC_SHARED(Storage, shared);
    SHARED(typename Tile::Barriers, barriers, );
    begin_ring(barriers);

    if (threadIdx.x < warpgroup_threads) {
        registers_lower<Tile::producer_registers>();
        if (threadIdx.x == 0) produce<Tile>(shared->ring, barriers, maps, task);
        return;
    }
    registers_raise<Tile::consumer_registers>();
    const int consumer_warp = int(threadIdx.x) / warp - warpgroup_threads / warp;
    const int row = consumer_warp * warp / warpgroup_threads * warpgroup_rows;
    const int row_of_warp = consumer_warp * rows_of_warp;
    float* const strip = shared->strips[consumer_warp];
    float sums[Tile::columns / 2];
    int i = 0;
    each_part<Tile>(task, [&](const MatmulPart& part) {
        multiply_part<Tile>(sums, shared->ring, barriers, part, row, i);
        const int m = part.m + row_of_warp;
        if (m >= task.M) return;
#pragma unroll 1
        for (int column = 0; column < Tile::columns && part.n + column < task.N; column += strip_columns) {
#pragma unroll
            for (int c = 0; c < Tile::columns; c += strip_columns)  // constants as indices keep the sums in registers
                if (c == column)
                    PartStrip::write(strip, [&](int j, int half) {
                        const int at = c / 2 + 4 * j + 2 * half;
                        return std::array{sums[at], sums[at + 1]};
                    });
            __syncwarp();
            if (result_f32) PartStrip::template finish<float, end>(task, strip, part.split, m, part.n + column);
            else PartStrip::template finish<bf16, end>(task, strip, part.split, m, part.n + column);
            __syncwarp();
        }
    });
}

template <class Tile>
void launch_hopper_tile(const MatmulTask& task, const Matmul& p, int most_blocks, Stream s) {
    by_form(p, [&](auto form) {
        using Form = decltype(form);
        using Stage = MatmulStage<Tile, Form::a_major, Form::b_major>;
        const OperandMaps maps = {tensor_map(operand_box(p.a, Form::a_major, Tile::rows)),
                                  tensor_map(operand_box(p.b, Form::b_major, Tile::columns))};
        const dim3 grid = blocks_for(std::min<int64_t>(part_count<Tile>(task), most_blocks), 1);
        launch(hopper_matmul_kernel<Tile, Stage, Form::end>, grid, dim3(Tile::threads),
               sizeof(HopperMatmulStorage<Tile, Stage>), s, maps, task, p.c.dtype == DType::f32);
    });
}

}  // namespace

bool on_warpgroups(const Matmul& p) { return kernel_choices().hopper && capability() == 90 && on_tensor_cores(p); }

void multiply_on_warpgroups(const MatmulTask& task, const Matmul& p, const MatmulPlan& plan, Stream s) {
    const int blocks = plan.blocks ? plan.blocks : multiprocessors();
    if (plan.tile == MatmulTile::large) launch_hopper_tile<Wide>(task, p, blocks, s);
    else launch_hopper_tile<Square>(task, p, blocks, s);
}

}  // namespace gradus::DEVICE
