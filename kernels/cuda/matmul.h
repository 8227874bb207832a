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
// bias has the dtype of c. Sums are f32, rounded once. f32 is multiplied as TF32 only by
// cuBLASLt and if kernel_choices().tf32.
#include "kernels/activation.h"
#include "kernels/cuda/primitives/device.h"
#include "kernels/ops.h"

namespace gradus::DEVICE {

// What becomes of c at its end, f being an activation (kernels/activation.h):
//
//   activate   pre[m,n] = c[m,n], then c[m,n] = f(pre[m,n]), from the sum before it is rounded to pre
//   derive     c[m,n] = c[m,n] · f'(pre[m,n])
enum class MatmulEnd { plain, activate, derive };

struct Matmul {
    Tensor c;  // [M,N]
    Tensor a;  // [M,K], or [K,M] transposed
    Tensor b;  // [K,N], or [N,K] transposed
    bool transpose_a = false, transpose_b = false;
    Tensor bias = {};  // [N], or empty
    bool accumulate = false;
    float alpha = 1;
    MatmulEnd end = MatmulEnd::plain;
    Tensor pre = {};  // [M,N], the dtype of c, or empty
    Activation activation = Activation::gelu_tanh;
};

// Queued on the stream. The same matmul gives the same bits in every call of a process, because the algorithm for a shape is
// chosen at the first call; without tuning (MatmulTuning) also in every process with this device and library. Does nothing if c
// is empty, or if it accumulates with K = 0. Error: no algorithm runs.
void matmul(const Matmul&, Stream);

void library_matmul(const Matmul&, Stream);  // c is not empty, K > 0

// A matmul with an end that is not plain. False, without effect: the chosen kernel has no such end, which must be an op of its
// own. The kernels of matmul/ have all of them for forward's and d_x's transpositions; cuBLASLt has gelu_tanh.
bool matmul_with_activation(const Matmul&, Stream);
bool library_matmul_with_activation(const Matmul&, Stream);

size_t matmul_workspace();            // Ops::matmul_workspace
const MatmulTuning* matmul_tuning();  // Ops::tuning

}  // namespace gradus::DEVICE
