#pragma once
// The matmul of kernels/cuda/matmul.h with kernels of this folder, for KernelChoices::matmul = own.
//
//   bf16                 tensor cores, if both operands begin at a multiple of 16 bytes and have row strides that are multiples of 8:
//                        wgmma on sm_90a (hopper_matmul.cu), mma elsewhere (tensor_cores.cu)
//   f32, other bf16      fused multiply-adds of the CUDA cores (register_tiles.cu)
//
// A block computes a tile of c, with wgmma several in turn. If c has too few tiles for the device and K is long, several blocks share a
// tile: each writes its part of the sum over k to the stream's workspace, and a second kernel adds the parts in order (split_sums.cu).
// The sizes are chosen by plan_of(): by the cores, the shapes and the workspace alone, so that all devices with the same cores compute
// the same bits.
#include "kernels/cuda/matmul.h"

namespace gradus::DEVICE {

enum class MatmulCores { cuda, mma, wgmma };  // the unit that multiplies
enum class MatmulTile {
    small,
    medium,
    large
};  // 64 by 64 (wgmma: as medium), 128 by 128, 128 by 256 (cuda: as medium)

struct MatmulPlan {
    MatmulCores cores = MatmulCores::cuda;
    MatmulTile tile = MatmulTile::small;
    int splits = 1;     // blocks per tile
    int64_t depth = 0;  // of k per split, a multiple of depth_unit; the last split may have fewer
    int blocks = 0;     // wgmma: at most so many, each with several tiles; 0: as many as multiprocessors
};

constexpr int64_t depth_unit = 64;

// Whether tensor cores can multiply the operands, and whether those of sm_90a do: on such a GPU, and not against kernel_choices().
bool on_tensor_cores(const Matmul&);
bool on_warpgroups(const Matmul&);

// The fastest plan for these cores by a model of the device, and for the best cores.
MatmulPlan plan_of(const Matmul&, MatmulCores, size_t workspace_bytes);
MatmulPlan plan_of(const Matmul&, size_t workspace_bytes);

// Bytes of workspace for the sums of the splits.
size_t split_bytes(int64_t M, int64_t N, int splits);

// c is not empty and K > 0.
void own_matmul(const Matmul&, const MatmulPlan&, Stream);

}  // namespace gradus::DEVICE
