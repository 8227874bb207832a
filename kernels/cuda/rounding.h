#pragma once
// How a number becomes a bf16, in the kernels that do more than Scalar(x).
#include "kernels/cuda/common.h"

namespace gradus::DEVICE {

// The nearest bf16 of a double, ties to even. Rounding twice could land on a tie that x is not on, so the float between
// is rounded to odd: towards zero, with the last bit set when something was cut off. A later tie is then a true one.
__device__ inline bf16 rounded(double x) {
    const float f = float(x);
    const auto bits = std::bit_cast<uint32_t>(f);
    const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    if (!finite || double(f) == x) return bf16(f);
    return bf16(std::bit_cast<float>((fabs(double(f)) > fabs(x) ? bits - 1 : bits) | 1u));
}

// One of the two bf16 around x, each with the probability that makes the mean x. The 16 bits of a float that a bf16 lacks
// are the way from the lower to the upper, in units of 2⁻¹⁶; adding 16 random bits carries as often as that.
__device__ inline bf16 rounded_by_chance(float x, uint32_t word) {
    const auto bits = std::bit_cast<uint32_t>(x);
    if ((bits & 0x7f800000u) == 0x7f800000u) return bf16(x);  // infinite, or no number
    bf16 y;
    y.bits = uint16_t((bits + (word >> 16)) >> 16);
    return y;
}

}  // namespace gradus::DEVICE
