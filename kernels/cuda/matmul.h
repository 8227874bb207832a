#pragma once
// The matmul of the ops of this folder. kernel_choices() says which one (kernels/choices.h):
//
//   library   cuBLASLt on a GPU (host/matmul.cu), plain loops in the emulator (kernels/simt/matmul.cpp)
//   own       the kernels of matmul/, on both
//
// All matrices are row-major, and may have a row stride (Tensor::row_stride).
//
//   c[m,n] = alpha · Σ_k A[m,k]·B[k,n]  (+ the old c[m,n], if accumulate)  (+ bias[n])
//
// A is a, or aᵀ if transpose_a: then a is [K,M]; B likewise. a and b have the same dtype, f32 or bf16; c has that dtype or f32;
// bias has the dtype of c. Sums are f32, rounded once. f32 is never multiplied as TF32.
#include "kernels/cuda/primitives/device.h"
#include "kernels/ops.h"

namespace gradus::DEVICE {

struct Matmul {
    Tensor c;  // [M,N]
    Tensor a;  // [M,K], or [K,M] transposed
    Tensor b;  // [K,N], or [N,K] transposed
    bool transpose_a = false, transpose_b = false;
    Tensor bias = {};  // [N], or empty
    bool accumulate = false;
    float alpha = 1;
};

// Queued on the stream. The same matmul gives the same bits in every call of a process, because the algorithm for a shape is
// chosen at the first call; without tuning (MatmulTuning) also in every process with this device and library. Does nothing if c
// is empty, or if it accumulates with K = 0. Error: no algorithm runs.
void matmul(const Matmul&, Stream);

void library_matmul(const Matmul&, Stream);  // c is not empty, K > 0

size_t matmul_workspace();            // Ops::matmul_workspace
const MatmulTuning* matmul_tuning();  // Ops::tuning

}  // namespace gradus::DEVICE
