#pragma once
// The innermost loop of the packed matmul: a tile of the output in registers, accumulated over k.
//
// Panel `a` has tile_rows values for each k, panel `b` tile_columns. A step of k is two vector loads of b and tile_rows
// broadcasts of a, each for two multiply-adds. The tile is as large as the register file allows (Goto, van de Geijn 2008),
// which hides the latency of the multiply-adds and the loads.
#include "kernels/cpu/vector.h"

namespace gradus::cpu {

constexpr int tile_rows = width == 16 ? 14 : 6;  // of the 32 or 16 registers: 28 or 12 sums, 2 of b, 1 of a
constexpr int tile_columns = 2 * width;

struct Tile {
    Floats left[tile_rows], right[tile_rows];
};

// c[r,n] += Σ_k a[r,k] · b[k,n], with strides `row` and `step` of a's rows and k, and b_step of b's k. Strides known at compile
// time become offsets of the loads.
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
