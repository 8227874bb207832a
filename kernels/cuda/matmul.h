#pragma once
// The one matrix product that the ops of this folder call: cuBLASLt on a GPU (host/matmul.cu), plain loops on the CPU
// (kernels/simt/matmul.cpp). All matrices are row-major, as everywhere; their rows may be strided (Tensor::row_stride).
//
//   c[m,n] = alpha · Σ_k A[m,k]·B[k,n]  (+ c[m,n] before, where it accumulates)  (+ bias[n])
//
// A is a, or where it is transposed aᵀ: then a is [K,M]; B likewise. a and b are of one dtype, f32 or bf16; c is of that
// dtype or f32; bias is of c's. Sums are made in f32, and rounded once. f32 is multiplied as f32, never as TF32.
#include "kernels/cuda/primitives/device.h"
#include "kernels/ops.h"

namespace gradus::DEVICE {

struct Matmul {
    Tensor c;  // [M,N]
    Tensor a;  // [M,K], or [K,M] transposed
    Tensor b;  // [K,N], or [N,K] transposed
    bool transpose_a = false, transpose_b = false;
    Tensor bias = {};  // [N], or nothing
    bool accumulate = false;
    float alpha = 1;
};

// Queued in the stream. The same product gives the same bits in every call of a process, since the algorithm for a shape is
// chosen at its first call; untuned (MatmulTuning) also in every process on such a device and library. Nothing happens where
// c is empty, nor where an empty sum is to be added (K = 0). Error where no algorithm runs.
void matmul(const Matmul&, Stream);

size_t matmul_workspace();            // Ops::matmul_workspace
const MatmulTuning* matmul_tuning();  // Ops::tuning

}  // namespace gradus::DEVICE
