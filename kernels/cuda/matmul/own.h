#pragma once
// The matmul of kernels/cuda/matmul.h with kernels of this folder, for KernelChoices::matmul = own.
//
//   bf16                 tensor cores (tensor_cores.cu), if both operands begin at a multiple of 16 bytes and have row strides
//                        that are multiples of 8
//   f32, other bf16      fused multiply-adds of the CUDA cores (register_tiles.cu)
//
// A block computes a tile of c. If c has too few tiles for the device and K is long, several blocks share a tile: each writes its
// part of the sum over k to the stream's workspace, and a second kernel adds the parts in order (split_sums.cu). The sizes are
// chosen by plan_of(): by shapes and the workspace alone, so that all devices compute the same bits.
#include "kernels/cuda/matmul.h"

namespace gradus::DEVICE {

enum class MatmulTile { small, medium, large };  // 64 by 64, 128 by 128, 128 by 256 (f32: as medium)

struct MatmulPlan {
    MatmulTile tile = MatmulTile::small;
    int splits = 1;     // blocks per tile
    int64_t depth = 0;  // of k per split, a multiple of depth_unit; the last split may have fewer
};

constexpr int64_t depth_unit = 64;

// Whether tensor cores compute it.
bool on_tensor_cores(const Matmul&);

// The fastest plan by a model of the device.
MatmulPlan plan_of(const Matmul&, size_t workspace_bytes);

// Bytes of workspace for the sums of the splits.
size_t split_bytes(int64_t M, int64_t N, int splits);

// c is not empty and K > 0.
void own_matmul(const Matmul&, const MatmulPlan&, Stream);

}  // namespace gradus::DEVICE
