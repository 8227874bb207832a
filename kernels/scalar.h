#pragma once
// Scalar types: bfloat16, and helpers for formulas that run in float, double and complex<double>.
#include <bit>
#include <cmath>
#include <complex>
#include <cstdint>

#include "kernels/tensor.h"

namespace gradus {

// The upper half of a float: 8 bits of exponent, 7 of fraction. Conversion rounds to nearest, ties to even. constexpr, so that
// CUDA device code can call it.
struct bf16 {
    uint16_t bits = 0;

    constexpr bf16() = default;
    constexpr explicit bf16(float x) {
        const uint32_t u = std::bit_cast<uint32_t>(x);
        const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
        bits = nan ? uint16_t(u >> 16 | 0x40u) : uint16_t((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
    }
    constexpr explicit operator float() const { return std::bit_cast<float>(uint32_t(bits) << 16); }
};

using c128 = std::complex<double>;

// The real part, for comparisons and branches: a complex step never changes it.
inline float real_of(float x) { return x; }
inline double real_of(double x) { return x; }
inline double real_of(const c128& x) { return x.real(); }

template <class Scalar>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
    return DType::f32;
}
template <>
constexpr DType dtype_of<bf16>() {
    return DType::bf16;
}
template <>
constexpr DType dtype_of<int32_t>() {
    return DType::i32;
}
template <>
constexpr DType dtype_of<double>() {
    return DType::f64;
}
template <>
constexpr DType dtype_of<c128>() {
    return DType::c128;
}

}  // namespace gradus
