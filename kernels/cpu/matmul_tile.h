#pragma once
// The innermost loop of the packed product: a tile of the result held in registers while k runs.
//
// Panels are what packing makes: `a` holds tile_rows values for each k, `b` tile_columns. A step of k is one load of
// b's vectors and tile_rows broadcasts, each feeding two multiply-adds; the tile is as large as the registers allow
// (Goto, van de Geijn 2008), which hides the latency of the multiply-adds and the loads.
#include "kernels/cpu/vector.h"

namespace gradus::cpu {

constexpr int tile_rows = width == 16 ? 14 : 6;  // of the 32 or 16 registers: 28 or 12 sums, 2 of b, 1 of a
constexpr int tile_columns = 2 * width;

struct Tile {
    Floats left[tile_rows], right[tile_rows];
};

// c[r,n] += Σ_k a[r,k] · b[k,n], where a's rows stand `row` and its k `step` apart and b's k stand b_step apart. What is
// known when this is compiled turns into offsets of the loads.
template <int row, int step>
inline __attribute__((always_inline)) void multiply(Tile& c, const float* a, const float* b, int64_t b_step,
                                                    int64_t depth) {
    for (int64_t k = 0; k < depth; ++k, a += step, b += b_step) {
        const Floats b_left = load(b), b_right = load(b + width);
#pragma GCC unroll 16
        for (int r = 0; r < tile_rows; ++r) {
            const Floats x = splat(a[r * row]);
            c.left[r] += x * b_left;
            c.right[r] += x * b_right;
        }
    }
}

inline __attribute__((always_inline)) Tile multiply_panels(const float* a, const float* b, int64_t depth) {
    Tile c = {};
    multiply<1, tile_rows>(c, a, b, tile_columns, depth);
    return c;
}

}  // namespace gradus::cpu
