#pragma once
// What kernels with sm_90a's own instructions share: tiles that tensor maps write and wgmma reads, and the ring of stages between
// a warp that copies (the producer) and warpgroups that multiply (the consumers).
#include "kernels/cuda/common.h"
#include "kernels/cuda/primitives/tensor_map.h"
#include "kernels/cuda/primitives/warpgroup.h"

namespace gradus::DEVICE {

constexpr int warpgroup_threads = 128, warpgroup_rows = 64;                      // of the left operand, of one wgmma
constexpr int panel_width = 64, row_bytes = 128, pattern_bytes = 8 * row_bytes;  // of the swizzle
constexpr int slice_depth = 16;                                                  // of k, of one wgmma

// A tile of bf16 in panels of 64 columns: a row of a panel is 128 bytes, the width of the swizzle.
template <int tile_rows, int tile_width>
struct alignas(pattern_bytes) PanelTile {
    static constexpr int rows = tile_rows, width = tile_width, panels = width / panel_width, bytes = rows * width * 2;
    unsigned char memory[bytes];

    __device__ unsigned char* panel(int p, int row = 0) { return memory + (p * rows + row) * row_bytes; }

    // As an operand whose k lies along the rows: 16 of k from 16·slice on, of the rows from `row` on, a multiple of 8.
    __device__ MatrixDescriptor k_major(int slice, int row = 0) {
        constexpr int slices = panel_width / slice_depth;  // of a panel
        return matrix_descriptor(panel(slice / slices, row) + slice % slices * 2 * slice_depth, 16, pattern_bytes,
                                 Swizzle::bytes_128);
    }
    // As an operand whose k lies across the rows: 16 rows from 16·slice on, of the panels from `first` on. For Major::mn.
    __device__ MatrixDescriptor mn_major(int slice, int first = 0) {
        return matrix_descriptor(panel(first, slice * slice_depth), rows * row_bytes, pattern_bytes,
                                 Swizzle::bytes_128);
    }
};

// The stages of a ring. `full` counts the bytes of a stage's copies; at `empty` each consumer warp arrives once its products have read
// the stage. Tile i of the walk is in stage i mod `stages`, and is the i / stages-th there: its phases follow from that.
// producer_arrivals: of the producer at `full`, for each tile.
template <int stages, int consumer_warps, int producer_arrivals = 1>
struct RingBarriers {
    MBarrier full[stages], empty[stages];

    __device__ void init() {
        for (int s = 0; s < stages; ++s) {
            mbarrier_init(&full[s], producer_arrivals);
            mbarrier_init(&empty[s], consumer_warps);
        }
    }
    __device__ void wait_full(int i) { mbarrier_wait(&full[i % stages], unsigned(i / stages % 2)); }
    __device__ void wait_empty(int i) {
        if (i >= stages) mbarrier_wait(&empty[i % stages], unsigned(i / stages % 2 ^ 1));
    }
    __device__ void release(int i) {
        if (threadIdx.x % warp == 0) mbarrier_arrive(&empty[i % stages]);
    }
};

}  // namespace gradus::DEVICE
