#pragma once
// Packing: copies a block of a matrix into f32 panels, which the matmul tile reads sequentially.
//
// A panel of L lanes (rows of a, or columns of b) is [depth, L]: panel[k·L + lane]. Lanes past the edge of the matrix are
// zeros. If lanes are not contiguous in memory, packing transposes blocks in registers.
#include <algorithm>

#include "kernels/cpu/vector.h"

namespace gradus::cpu {

constexpr int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

namespace transposing {

template <int stride, size_t... lane>
inline void exchange(Floats& a, Floats& b, std::index_sequence<lane...>) {
    const Floats low = __builtin_shufflevector(a, b, int(lane & stride ? width + lane - stride : lane)...);
    const Floats high = __builtin_shufflevector(a, b, int(lane & stride ? width + lane : lane + stride)...);
    a = low;
    b = high;
}

template <int stride>
inline __attribute__((always_inline)) void exchange_rows(Floats (&x)[width]) {
#pragma GCC unroll 16
    for (int i = 0; i < width; ++i)
        if (!(i & stride)) exchange<stride>(x[i], x[i + stride], std::make_index_sequence<width>{});
}

}  // namespace transposing

// Transposes a width × width block in registers: swaps single elements across the diagonal, then pairs, then fours, …
inline __attribute__((always_inline)) void transpose(Floats (&x)[width]) {
    transposing::exchange_rows<1>(x);
    transposing::exchange_rows<2>(x);
    if constexpr (width >= 8) transposing::exchange_rows<4>(x);
    if constexpr (width >= 16) transposing::exchange_rows<8>(x);
}

// Floats after the end of a panel that a store of a whole register may overwrite; every panel buffer includes them.
constexpr int64_t panel_slack = width;

// The source is contiguous along k; its lanes are `stride` apart.
template <int panel_lanes, class Scalar>
void pack_across(float* panel, const Scalar* source, int64_t stride, int64_t lanes, int64_t depth) {
    // The last group first: its stores extend past the panel's lanes into the next k, which the first group then overwrites.
    for (int64_t group = (panel_lanes - 1) / width * width; group >= 0; group -= width) {
        const int64_t valid = std::min<int64_t>(width, lanes - group);
        auto block = [&](int64_t k, auto part) {
            Floats x[width];
#pragma GCC unroll 16
            for (int i = 0; i < width; ++i) x[i] = i < valid ? load(source + (group + i) * stride + k, part) : Floats{};
            transpose(x);
#pragma GCC unroll 16
            for (int i = 0; i < width; ++i)
                if (i < part.count) store(panel + (k + i) * panel_lanes + group, x[i]);
        };
        sweep(depth, block);
    }
}

// The source is contiguous along the lanes; its k are `stride` apart. Packs several panels together, reading all lanes of a k at
// once, because rows a power of two apart evict each other from the L1 cache.
template <int panel_lanes, class Scalar>
void pack_along(float* panels, int64_t panel_size, const Scalar* source, int64_t stride, int64_t lanes, int64_t depth) {
    // Whole registers are read, past the lanes of the panel, while the matrix has that many lanes.
    constexpr int64_t padded = round_up(panel_lanes, width);
    const int64_t whole = lanes < padded ? 0 : (lanes - padded) / panel_lanes + 1;
    for (int64_t k = 0; k < depth; ++k)
        for (int64_t p = 0; p < whole; ++p)
            for (int64_t g = 0; g < padded; g += width)
                store(panels + p * panel_size + k * panel_lanes + g, load(source + k * stride + p * panel_lanes + g));
    for (int64_t first = whole * panel_lanes; first < lanes; first += panel_lanes) {
        float* panel = panels + first / panel_lanes * panel_size;
        for (int64_t k = 0; k < depth; ++k)
            for (int64_t i = 0; i < panel_lanes; ++i)
                panel[k * panel_lanes + i] = first + i < lanes ? float(source[k * stride + first + i]) : 0;
    }
}

}  // namespace gradus::cpu
