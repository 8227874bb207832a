#pragma once
// ldmatrix and mma, collectives of a warp. Kernels call them by the names of kernels/cuda/primitives/matrix.h, which documents
// which lane holds which elements.
#include <bit>

#include "kernels/simt/location.h"

namespace gradus::emulator {

// Loads `count` (1, 2 or 4) 8×8 matrices of 16-bit elements. `row` of lane 8m + r is the address of row r of matrix m.
void ldmatrix(unsigned* registers, const void* row, int count, bool transposed, Location at);

// d (16 by 8, f32) += a (16 by 16, bf16) · b (16 by 8, bf16)
void multiply_bf16(float* d, const unsigned* a, const unsigned* b, Location at);

// d (16 by 8, f32) += a (16 by 8) · b (8 by 8), f32 rounded to tf32
void multiply_tf32(float* d, const unsigned* a, const unsigned* b, Location at);

// The two bf16 values of a register.
inline float low_half(unsigned pair) { return std::bit_cast<float>(pair << 16); }
inline float high_half(unsigned pair) { return std::bit_cast<float>(pair & 0xffff0000u); }

// A float rounded to 10 bits of mantissa, to nearest, ties away from 0; infinity and NaN stay.
inline float tf32_of(unsigned bits) {
    const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    return std::bit_cast<float>(finite ? (bits + 0x1000u) & ~0x1fffu : bits);
}

}  // namespace gradus::emulator
