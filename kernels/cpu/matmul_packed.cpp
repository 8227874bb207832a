// The packed matmul (Goto, van de Geijn 2008): all threads together pack blocks of a and b, then share the tiles of the output
// block. One thread computes each tile over all k.
#include "kernels/cpu/buffer.h"
#include "kernels/cpu/matmul.h"
#include "kernels/cpu/matmul_pack.h"
#include "kernels/cpu/matmul_tile.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

// A panel of b (24 KiB) fits in the L1 cache, tens of panels of a in L2, the packed block of b in L3.
constexpr int64_t block_depth = 6144 / tile_columns;
constexpr int64_t block_rows = round_up(1024, tile_rows), block_columns = round_up(3072, tile_columns);
// The work items of a thread: panels to pack, and a part of the output block.
constexpr int64_t panels_per_item = 4;
constexpr int64_t item_rows = round_up(48, tile_rows), item_columns = round_up(512, tile_columns);

constexpr int64_t panel_size(int64_t lanes, int64_t depth) { return round_up(lanes * depth + panel_slack, 16); }

// Floats of scratch memory: panels of a block of each operand, and if out is bf16 and K has several blocks, f32 partial sums of
// the output block.
struct Scratch {
    int64_t a, b, partial;
    int64_t size() const { return a + b + partial; }
};
Scratch scratch_of(int64_t M, int64_t N, int64_t K, DType out) {
    const bool own_partial = out == DType::bf16 && K > block_depth;
    M = std::min(M, block_rows), N = std::min(N, block_columns), K = std::min(K, block_depth);
    return {.a = round_up(M, tile_rows) / tile_rows * panel_size(tile_rows, K),
            .b = round_up(N, tile_columns) / tile_columns * panel_size(tile_columns, K),
            .partial = own_partial ? M * N : 0};
}

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

// Whether these rows, from column n on, are all above the diagonal.
bool above_diagonal(int64_t m, int64_t n, int64_t rows) { return n >= m + rows; }

void mirror(float* square, int64_t N) {
    constexpr int64_t block = 32;  // two blocks fit in the L1 cache
    parallel_items((N + block - 1) / block, grain_of(double(N * block)), [&](int64_t i, int) {
        const int64_t last = std::min(N, (i + 1) * block);
        for (int64_t c = i * block; c < N; c += block)
            for (int64_t row = i * block; row < last; ++row)
                for (int64_t column = std::max(c, row + 1); column < std::min(N, c + block); ++column)
                    square[row * N + column] = square[column * N + row];
    });
}

template <class Scalar>
void multiply_item(const Target& t, const float* a, const float* b, int64_t m, int64_t n, int64_t rows, int64_t columns,
                   int64_t depth) {
    for (int64_t c = 0; c < columns; c += tile_columns)
        for (int64_t r = 0; r < rows; r += tile_rows) {
            if (t.p.symmetric && above_diagonal(m + r, n + c, tile_rows)) continue;
            // Prefetch the tile's old values, which are added after the sums.
            const int64_t valid_rows = std::min<int64_t>(tile_rows, rows - r);
            if (!t.last || std::is_same_v<Scalar, float>) {
                const float* old = t.partial + (m + r - t.first_row) * t.stride + (n + c - t.first_column);
                for (int64_t i = 0; i < valid_rows; ++i) {
                    __builtin_prefetch(old + i * t.stride, 1);
                    __builtin_prefetch(old + i * t.stride + tile_columns - 1, 1);
                }
            }
            finish<Scalar>(t,
                           multiply_panels(a + r / tile_rows * panel_size(tile_rows, depth),
                                           b + c / tile_columns * panel_size(tile_columns, depth), depth),
                           m + r, n + c, valid_rows, std::min<int64_t>(tile_columns, columns - c));
        }
}

thread_local Buffer buffer;

template <class Scalar>
void run(const Matmul& p) {
    const Scratch scratch = scratch_of(p.M, p.N, p.K, p.dtype);
    const bool own_partial = scratch.partial > 0;
    const int64_t M = std::min(p.M, block_rows), N = std::min(p.N, block_columns);
    float* const a_panels = buffer.floats(size_t(scratch.size()));
    float *const b_panels = a_panels + scratch.a, *const partial = b_panels + scratch.b;

    // A few items per thread, and at most one thread per 2¹⁸ multiplications.
    const int team = int(std::clamp<int64_t>(p.M * p.N * p.K >> 18, 1, threads()));
    const int64_t wanted = 4 * team, across = (N + item_columns - 1) / item_columns;
    const int64_t columns_per_item = round_up((N + across - 1) / across, tile_columns);
    const int64_t rows_per_item =
        std::clamp(round_up(M * across / wanted, tile_rows), int64_t(2 * tile_rows), item_rows);

#pragma omp parallel num_threads(team)
    for (int64_t m = 0; m < p.M; m += block_rows)
        for (int64_t n = 0; n < p.N; n += block_columns)
            for (int64_t k = 0; k < p.K; k += block_depth) {
                const int64_t rows = std::min(block_rows, p.M - m), columns = std::min(block_columns, p.N - n);
                const int64_t depth = std::min(block_depth, p.K - k);
                const int64_t a_count = round_up(rows, tile_rows) / tile_rows,
                              b_count = round_up(columns, tile_columns) / tile_columns;
#pragma omp for schedule(static) nowait
                for (int64_t i = 0; i < a_count; i += panels_per_item)
                    pack<tile_rows>(a_panels + i * panel_size(tile_rows, depth), std::min(panels_per_item, a_count - i),
                                    p.a, !p.a.rows_are_contiguous(), p.a.at(m + i * tile_rows, k), rows - i * tile_rows,
                                    depth);
#pragma omp for schedule(static)
                for (int64_t i = 0; i < b_count; i += panels_per_item)
                    pack<tile_columns>(b_panels + i * panel_size(tile_columns, depth),
                                       std::min(panels_per_item, b_count - i), p.b, p.b.rows_are_contiguous(),
                                       p.b.at(k, n + i * tile_columns), columns - i * tile_columns, depth);
                const Target target = {
                    .p = p,
                    .partial = own_partial ? partial : static_cast<float*>(p.out) + m * p.out_row() + n,
                    .stride = own_partial ? N : p.out_row(),
                    .first_row = m,
                    .first_column = n,
                    .first = k == 0,
                    .last = k + depth == p.K};
                const int64_t down = (rows + rows_per_item - 1) / rows_per_item;
                const int64_t right = (columns + columns_per_item - 1) / columns_per_item;
#pragma omp for schedule(dynamic, 1)
                for (int64_t i = 0; i < down * right; ++i) {
                    const int64_t r = i / right * rows_per_item, c = i % right * columns_per_item;
                    multiply_item<Scalar>(target, a_panels + r / tile_rows * panel_size(tile_rows, depth),
                                          b_panels + c / tile_columns * panel_size(tile_columns, depth), m + r, n + c,
                                          std::min(rows_per_item, rows - r), std::min(columns_per_item, columns - c),
                                          depth);
                }
            }
}

}  // namespace

void packed_matmul(const Matmul& p) {
    if (p.dtype == DType::bf16) run<bf16>(p);
    else run<float>(p);
    if (p.symmetric) mirror(static_cast<float*>(p.out), p.N);
}

int64_t packed_matmul_scratch(int64_t M, int64_t N, int64_t K, DType out) { return scratch_of(M, N, K, out).size(); }

}  // namespace gradus::cpu
