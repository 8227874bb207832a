#pragma once
// Warp specialisation of a matmul on sm_90a: the work of a block, the producer that copies, and the consumers that multiply. A kernel
// adds what becomes of the sums.
//
// A block has three warpgroups. One thread of the first is the producer: it copies tiles of both operands by tensor map, 64 of k at a
// time, into a ring of stages. The other two are consumers, with 64 rows each of the block's 128, and all of its columns. A block
// walks over its tiles of c; the ring does not stop between them, so the copies of a tile begin while the sums of the one before are
// stored.
//
// A tile of an operand has the rows that the operand has in global memory, whether they lie along k (Major::k) or along m or n
// (Major::mn): wgmma reads both from shared memory. Elements outside the operand arrive as zeros.
#include "kernels/cuda/hopper.h"
#include "kernels/cuda/matmul/task.h"

namespace gradus::DEVICE {

constexpr int stage_depth = panel_width;  // of k

template <Major major, int extent>
struct PanelOperand
    : std::conditional_t<major == Major::k, PanelTile<extent, stage_depth>, PanelTile<stage_depth, extent>> {
    // 16 of k from 16·slice on, of the extent from `first` on, a multiple of 64.
    __device__ MatrixDescriptor part(int slice, int first) {
        if constexpr (major == Major::k) return this->k_major(slice, first);
        else return this->mn_major(slice, first / panel_width);
    }

    // By one thread: from `first` of the extent and k on.
    __device__ void load(const TensorMap& map, int first, int k, MBarrier* landed) {
        if constexpr (major == Major::k) {
            tensor_load(this->panel(0), map, {k, first}, landed);
        } else {
#pragma unroll
            for (int p = 0; p < extent / panel_width; ++p)
                tensor_load(this->panel(p), map, {first + p * panel_width, k}, landed);
        }
    }
};

// How the copies of load() see an operand: a box is a panel.
inline TensorBox operand_box(const Tensor& t, Major major, int extent) {
    return {.data = t.data,
            .dtype = t.dtype,
            .rank = 2,
            .extent = {t.last(), t.rows()},
            .stride = {1, t.stride()},
            .box = {panel_width, major == Major::k ? extent : stage_depth},
            .swizzle = Swizzle::bytes_128};
}

template <int columns_, int stages_>
struct HopperTile {
    static constexpr int rows = 128, columns = columns_, stages = stages_;
    static constexpr int consumers = rows / warpgroup_rows, consumer_warps = consumers * warpgroup_threads / warp;
    static constexpr int threads = (1 + consumers) * warpgroup_threads;
    static constexpr int producer_registers = 24, consumer_registers = 240;  // 24 + 2·240 = 3·168, the block's start
    using Barriers = RingBarriers<stages, consumer_warps>;
};

template <class Tile, Major a_major, Major b_major>
struct MatmulStage {
    static constexpr Major majors[] = {a_major, b_major};
    PanelOperand<a_major, Tile::rows> a;
    PanelOperand<b_major, Tile::columns> b;
};

struct OperandMaps {
    TensorMap a, b;
};

// A part of the work: a tile of c, and the k of a split.
struct MatmulPart {
    int m, n, k, stages, split;  // stages: tiles of the operands along k
};

template <class Tile>
__device__ MatmulPart part_of(const MatmulTask& task, int number) {
    const int tiles_m = (task.M + Tile::rows - 1) / Tile::rows, tiles_n = (task.N + Tile::columns - 1) / Tile::columns;
    const int split = number / (tiles_m * tiles_n), k = split * task.depth;
    const TilePlace place = place_of(number % (tiles_m * tiles_n), tiles_m, tiles_n);
    return {place.m * Tile::rows, place.n * Tile::columns, k,
            (min(task.K - k, task.depth) + stage_depth - 1) / stage_depth, split};
}

template <class Tile>
__host__ __device__ int64_t part_count(const MatmulTask& task) {
    const int64_t tiles_m = (task.M + Tile::rows - 1) / Tile::rows,
                  tiles_n = (task.N + Tile::columns - 1) / Tile::columns;
    return tiles_m * tiles_n * task.splits;
}

// Calls visit(part) with each part of this block.
template <class Tile, class Visit>
__device__ void each_part(const MatmulTask& task, const Visit& visit) {
    for (int64_t number = blockIdx.x; number < part_count<Tile>(task); number += gridDim.x)
        visit(part_of<Tile>(task, int(number)));
}

// By one thread.
template <class Tile, class Stage>
__device__ void produce(Stage* ring, typename Tile::Barriers& barriers, const OperandMaps& maps,
                        const MatmulTask& task) {
    int i = 0;
    each_part<Tile>(task, [&](const MatmulPart& part) {
        for (int stage = 0; stage < part.stages; ++stage, ++i) {
            MBarrier* const landed = &barriers.full[i % Tile::stages];
            Stage& to = ring[i % Tile::stages];
            barriers.wait_empty(i);
            mbarrier_arrive_and_expect(landed, sizeof(Stage));
            to.a.load(maps.a, part.m, part.k + stage * stage_depth, landed);
            to.b.load(maps.b, part.n, part.k + stage * stage_depth, landed);
        }
    });
}

// The sums of a part in a consumer's registers: rows from `row` on of the tile. i: the stage of the ring, which advances.
//
// A stage is released when the products of the next are under way: the tensor cores never wait for a release.
template <class Tile, Major a_major, Major b_major>
__device__ void multiply_part(float (&sums)[Tile::columns / 2], MatmulStage<Tile, a_major, b_major>* ring,
                              typename Tile::Barriers& barriers, const MatmulPart& part, int row, int& i) {
    for (int stage = 0; stage < part.stages; ++stage, ++i) {
        auto& from = ring[i % Tile::stages];
        barriers.wait_full(i);
        wgmma_fence(sums);
#pragma unroll
        for (int slice = 0; slice < stage_depth / slice_depth; ++slice)
            wgmma<a_major, b_major>(sums, from.a.part(slice, row), from.b.part(slice, 0), stage > 0 || slice > 0);
        wgmma_commit();
        if (stage > 0) {
            wgmma_wait<1>();
            barriers.release(i - 1);
        }
    }
    wgmma_wait<0>(sums);
    barriers.release(i - 1);
}

template <class Barriers>
__device__ void begin_ring(Barriers& barriers) {
    if (threadIdx.x == 0) {
        barriers.init();
        fence_mbarrier_init();
    }
    __syncthreads();
}

}  // namespace gradus::DEVICE
