#pragma once
// ldmatrix and mma: what the lanes of a warp do together. Kernels call them by the names of
// kernels/cuda/primitives/matrix.h, which says which lane holds what.
#include <bit>

#include "kernels/simt/place.h"

namespace gradus::emulator {

// `count` (1, 2 or 4) matrices of 8 by 8 elements of 16 bits. `row` of lane 8m + r is the address of row r of matrix m.
void ldmatrix(unsigned* registers, const void* row, int count, bool transposed, Place at);

// d (16 by 8, f32) += a (16 by 16, bf16) · b (16 by 8, bf16)
void multiply_bf16(float* d, const unsigned* a, const unsigned* b, Place at);

// The two bf16 of a register.
inline float low_half(unsigned pair) { return std::bit_cast<float>(pair << 16); }
inline float high_half(unsigned pair) { return std::bit_cast<float>(pair & 0xffff0000u); }

}  // namespace gradus::emulator
