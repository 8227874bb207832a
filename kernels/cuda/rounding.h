#pragma once
// Conversions to bf16 other than from float to nearest.
#include "kernels/cuda/common.h"

namespace gradus::DEVICE {

// The nearest bf16 of a double, ties to even. The intermediate float is rounded to odd (towards zero, with the last bit set if
// inexact), which avoids double rounding.
__device__ inline bf16 rounded(double x) {
    const float f = float(x);
    const auto bits = std::bit_cast<uint32_t>(f);
    const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    if (!finite || double(f) == x) return bf16(f);
    return bf16(std::bit_cast<float>((fabs(double(f)) > fabs(x) ? bits - 1 : bits) | 1u));
}

// Stochastic rounding: adding 16 random bits to the 16 bits that a bf16 drops carries with a probability proportional to them, so
// the expected value is x.
__device__ inline bf16 stochastically_rounded(float x, uint32_t word) {
    const auto bits = std::bit_cast<uint32_t>(x);
    if ((bits & 0x7f800000u) == 0x7f800000u) return bf16(x);  // infinity or NaN
    bf16 y;
    y.bits = uint16_t((bits + (word >> 16)) >> 16);
    return y;
}

}  // namespace gradus::DEVICE
