#pragma once
// Tensor cores of sm_80: a warp multiplies small matrices in its registers.
//
// A register holds two bf16, the lower half first. With g = lane / 4 and t = lane % 4,
//   a[0] = A[g][2t, 2t+1]   a[1] = A[g+8][2t, 2t+1]   a[2] = A[g][2t+8, 2t+9]   a[3] = A[g+8][2t+8, 2t+9]
//   b[0] = B[2t, 2t+1][g]   b[1] = B[2t+8, 2t+9][g]
//   d[0], d[1] = D[g][2t], D[g][2t+1]                 d[2], d[3] = D[g+8][2t], D[g+8][2t+1]
//
//   mma_bf16(d, a, b)             D (16 by 8, f32) += A (16 by 16) · B (16 by 8); products exact, sums in f32
//   mma_tf32(d, a, b)             D (16 by 8, f32) += A (16 by 8) · B (8 by 8), f32 rounded to tf32: 10 bits of mantissa, to nearest, ties
//                                 away from 0. A register holds one float: a[0] = A[g][t]   a[1] = A[g+8][t]   a[2] = A[g][t+4]
//                                 a[3] = A[g+8][t+4]   b[0] = B[t][g]   b[1] = B[t+4][g]; d as above
//   ldmatrix(r, row)         r[m] of every lane from 8 by 8 matrices m of 16-bit elements in shared memory: `row` of lane
//                                 8m + i is the address of row i, a multiple of 16. The lane gets [g][2t, 2t+1]
//   ldmatrix_transposed      the lane gets [2t, 2t+1][g]
//
// Two or four matrices, by the length of r. All lanes of the warp must call each function together.
// Source: PTX ISA, "Matrix fragments for mma.m16n8k16", "… m16n8k8", "ldmatrix", "cvt".
#include "kernels/cuda/primitives/device.h"

#ifndef __CUDACC__
#include "kernels/simt/primitives/matrix.h"
#else

namespace gradus::cuda {

__device__ __forceinline__ void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ unsigned rounded_to_tf32(unsigned bits) {
    unsigned rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(bits)));
    return rounded;
}

__device__ __forceinline__ void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(rounded_to_tf32(a[0])), "r"(rounded_to_tf32(a[1])), "r"(rounded_to_tf32(a[2])),
          "r"(rounded_to_tf32(a[3])), "r"(rounded_to_tf32(b[0])), "r"(rounded_to_tf32(b[1])));
}

__device__ __forceinline__ void ldmatrix(unsigned (&r)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
}

__device__ __forceinline__ void ldmatrix(unsigned (&r)[2], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(shared_address(row))
                 : "memory");
}

__device__ __forceinline__ void ldmatrix_transposed(unsigned (&r)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
}

__device__ __forceinline__ void ldmatrix_transposed(unsigned (&r)[2], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(shared_address(row))
                 : "memory");
}

}  // namespace gradus::cuda
#endif
