#pragma once
// SIMD vectors of one register (GCC and clang vector extensions, with + − · /), and loads and stores that convert f32 and bf16
// to and from vectors of floats.
//
// The only portability header of kernels/cpu: the width depends on the target, everything else on the width.
//
//   sweep(n, [&](int64_t i, auto lanes) { store(y + i, load(a + i, lanes) + load(b + i, lanes), lanes); });
//
// processes n elements, one register at a time; the remainder calls the same lambda with a Part of the lanes.
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstring>
#include <utility>

#include "kernels/scalar.h"

namespace gradus::cpu {

#if defined(__AVX512F__)
constexpr int width = 16;
#elif defined(__AVX__)
constexpr int width = 8;
#else
constexpr int width = 4;
#endif

using Floats = float __attribute__((vector_size(4 * width)));
using Ints = int32_t __attribute__((vector_size(4 * width)));
using Words = uint32_t __attribute__((vector_size(4 * width)));
using Longs = uint64_t __attribute__((vector_size(4 * width)));  // half as many lanes
using Doubles = double __attribute__((vector_size(4 * width)));

// The lanes of a load or store: all of them, known at compile time, or the first `count`.
struct Full {
    static constexpr int count = width;
};
struct Part {
    int count;
};

template <class Body>
inline __attribute__((always_inline)) void sweep(int64_t n, Body&& step) {
    int64_t i = 0;
    for (; i + width <= n; i += width) step(i, Full{});
    if (i < n) step(i, Part{int(n - i)});
}

inline Floats splat(float x) { return x - Floats{}; }

// first, first + 1, …
template <size_t... lane>
inline Ints numbers_from(int32_t first, std::index_sequence<lane...>) {
    return Ints{int(lane)...} + first;
}
inline Ints numbers_from(int32_t first) { return numbers_from(first, std::make_index_sequence<width>{}); }

// A lane of a comparison has all bits set or none. larger and smaller return a if a is NaN.
inline Floats choose(Ints mask, Floats yes, Floats no) { return mask ? yes : no; }
inline Floats larger(Floats a, Floats b) { return b > a ? b : a; }
inline Floats smaller(Floats a, Floats b) { return b < a ? b : a; }

// load_halves: 16-bit integers to 32-bit lanes; store_halves: back (lanes below 2¹⁶); multiply_lower: products of the lower
// halves of 64-bit lanes. Each is one or two instructions, which compilers do not generate from plain code. (Masked 512-bit
// intrinsics avoid a false warning of GCC 12 about uninitialised values.)
#if defined(__AVX512F__)
inline Words load_halves(const void* p) {
    return (Words)_mm512_maskz_cvtepu16_epi32(0xffff, _mm256_loadu_si256(static_cast<const __m256i*>(p)));
}
inline void store_halves(void* p, Words x) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_maskz_cvtepi32_epi16(0xffff, (__m512i)x));
}
inline Longs multiply_lower(Longs a, Longs b) { return (Longs)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b); }
#elif defined(__AVX2__)
inline Words load_halves(const void* p) {
    return (Words)_mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}
inline void store_halves(void* p, Words x) {
    const __m256i all = (__m256i)x;
    _mm_storeu_si128(static_cast<__m128i*>(p),
                     _mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1)));
}
inline Longs multiply_lower(Longs a, Longs b) { return (Longs)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
#else
using Halves = uint16_t __attribute__((vector_size(2 * width)));
inline Words load_halves(const void* p) {
    Halves h;
    std::memcpy(&h, p, sizeof h);
    return __builtin_convertvector(h, Words);
}
inline void store_halves(void* p, Words x) {
    const Halves h = __builtin_convertvector(x, Halves);
    std::memcpy(p, &h, sizeof h);
}
inline Longs multiply_lower(Longs a, Longs b) { return (a & 0xffffffffu) * (b & 0xffffffffu); }
#endif

// The bits of the nearest bf16, ties to even; NaN stays NaN. The same as bf16(float), lane by lane.
inline Words bf16_bits(Floats x) {
    const Words u = (Words)x, upper = u >> 16;
    return x != x ? (upper | 0x40u) : ((u + 0x7fffu + (upper & 1u)) >> 16);
}

// Lanes past the count of a Part read as `missing`. Loads and stores of a Part are not inlined: they run once at the end of a
// loop, and inlining would increase its register pressure.
inline Floats load(const float* p, Full = {}, float = 0) {
    Floats x;
    std::memcpy(&x, p, sizeof x);
    return x;
}
inline Floats load(const bf16* p, Full = {}, float = 0) { return (Floats)(load_halves(p) << 16); }
template <class Scalar>
__attribute__((noinline)) Floats load(const Scalar* p, Part lanes, float missing = 0) {
    alignas(64) float x[width];
    for (int i = 0; i < width; ++i) x[i] = i < lanes.count ? float(p[i]) : missing;
    return load(x);
}

inline void store(float* p, Floats x, Full = {}) { std::memcpy(p, &x, sizeof x); }
inline void store(bf16* p, Floats x, Full = {}) { store_halves(p, bf16_bits(x)); }
template <class Scalar>
__attribute__((noinline)) void store(Scalar* p, Floats x, Part lanes) {
    alignas(64) Scalar all[width];
    store(all, x);
    std::memcpy(static_cast<void*>(p), all, size_t(lanes.count) * sizeof(Scalar));
}

// Horizontal reductions as a fixed tree: each lane with the one half a register away, then a quarter, …
template <int distance, size_t... lane>
inline Floats rotated(Floats x, std::index_sequence<lane...>) {
    return __builtin_shufflevector(x, x, int((lane + distance) % width)...);
}
template <int distance = width / 2, class Join>
inline float fold(Floats x, Join join) {
    x = join(x, rotated<distance>(x, std::make_index_sequence<width>{}));
    if constexpr (distance > 1) return fold<distance / 2>(x, join);
    else return x[0];
}
inline float sum(Floats x) {
    return fold(x, [](Floats a, Floats b) { return a + b; });
}
inline float largest(Floats x) {
    return fold(x, [](Floats a, Floats b) { return larger(a, b); });
}

// Σ of term(i, lanes) over n elements, in four independent sums to hide the latency of additions. Lanes past the end of a Part
// must be zeros.
template <class Term>
inline __attribute__((always_inline)) float total(int64_t n, Term&& term) {
    Floats part[4] = {};
    int64_t i = 0;
    for (; i + 4 * width <= n; i += 4 * width)
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) part[j] += term(i + j * width, Full{});
    sweep(n - i, [&](int64_t k, auto lanes) { part[0] += term(i + k, lanes); });
    return sum((part[0] + part[1]) + (part[2] + part[3]));
}

// The lower and the upper half of the lanes, in double.
template <size_t... lane>
inline Doubles doubles_of(Floats x, std::index_sequence<lane...>) {
    return __builtin_convertvector(__builtin_shufflevector(x, x, int(lane)...), Doubles);
}
inline Doubles lower(Floats x) { return doubles_of(x, std::make_index_sequence<width / 2>{}); }
inline Doubles upper(Floats x) { return lower(rotated<width / 2>(x, std::make_index_sequence<width>{})); }

}  // namespace gradus::cpu
