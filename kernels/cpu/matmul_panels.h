#pragma once
// What the matmuls that pack their operands share: the size of panels, packing an operand, and storing a tile.
#include "kernels/cpu/matmul.h"
#include "kernels/cpu/matmul_pack.h"
#include "kernels/cpu/matmul_tile.h"

namespace gradus::cpu {

// A panel of b (24 KiB) fits in the L1 cache.
constexpr int64_t block_depth = 6144 / tile_columns;

constexpr int64_t panel_size(int64_t lanes, int64_t depth) { return round_up(lanes * depth + panel_slack, 16); }

// Packs `count` panels of an operand, from at most `lanes` lanes at `source`.
template <int panel_lanes>
void pack(float* panels, int64_t count, const Matrix& m, bool lanes_contiguous, const char* source, int64_t lanes,
          int64_t depth) {
    const int64_t stride = m.rows_are_contiguous() ? m.row : m.column, size = panel_size(panel_lanes, depth);
    auto typed = [&](auto* x) {
        if (lanes_contiguous)
            return pack_along<panel_lanes>(panels, size, x, stride, std::min(lanes, count * panel_lanes), depth);
        for (int64_t i = 0; i < count; ++i)
            pack_across<panel_lanes>(panels + i * size, x + i * panel_lanes * stride, stride, lanes - i * panel_lanes,
                                     depth);
    };
    if (m.dtype == DType::bf16) typed(reinterpret_cast<const bf16*>(source));
    else typed(reinterpret_cast<const float*>(source));
}

// The destination of a block's tiles: partial sums, and the output after the last block of k.
struct Target {
    const Matmul& p;
    float* partial;                           // [block rows, stride]; out itself if out is f32
    int64_t stride, first_row, first_column;  // of the partial block in out
    bool first, last;                         // block of k
};

template <class Scalar>
void finish(const Target& t, const Tile& tile, int64_t m, int64_t n, int64_t rows, int64_t columns) {
    const Matmul& p = t.p;
    const Scalar* bias = t.last && p.bias ? static_cast<const Scalar*>(p.bias) + n : nullptr;
    auto half = [&](int64_t r, Floats x, int64_t c, auto lanes) {
        float* partial = t.partial + (m + r - t.first_row) * t.stride + (n + c - t.first_column);
        if (!t.first || p.accumulate) x += load(partial, lanes);
        if (bias) x += load(bias + c, lanes);
        if (t.last) store(static_cast<Scalar*>(p.out) + (m + r) * p.out_row() + n + c, x, lanes);
        else store(partial, x, lanes);
    };
    if (columns == tile_columns) {
#pragma GCC unroll 16
        for (int r = 0; r < tile_rows; ++r) {
            if (r >= rows) break;
            half(r, tile.left[r], 0, Full{});
            half(r, tile.right[r], width, Full{});
        }
        return;
    }
    for (int r = 0; r < rows; ++r) {
        half(r, tile.left[r], 0, Part{int(std::min<int64_t>(width, columns))});
        if (columns > width) half(r, tile.right[r], width, Part{int(columns - width)});
    }
}

}  // namespace gradus::cpu
