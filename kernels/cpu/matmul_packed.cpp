// The packed matmul (Goto, van de Geijn 2008): all threads together pack blocks of a and b, then share the tiles of the output
// block. One thread computes each tile over all k.
#include "kernels/cpu/buffer.h"
#include "kernels/cpu/matmul.h"
#include "kernels/cpu/matmul_panels.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

// Tens of panels of a fit in the L2 cache, the packed block of b in L3.
constexpr int64_t block_rows = round_up(1024, tile_rows), block_columns = round_up(3072, tile_columns);
// The work items of a thread: panels to pack, and a part of the output block.
constexpr int64_t panels_per_item = 4;
constexpr int64_t item_rows = round_up(48, tile_rows), item_columns = round_up(512, tile_columns);

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
    if (is_low(p)) return low_matmul(p);
    if (p.dtype == DType::bf16) run<bf16>(p);
    else run<float>(p);
    if (p.symmetric) mirror(static_cast<float*>(p.out), p.N);
}

int64_t packed_matmul_scratch(int64_t M, int64_t N, int64_t K, DType out) {
    return std::max(scratch_of(M, N, K, out).size(), is_low(M, K) ? low_matmul_scratch(M, K) : 0);
}

}  // namespace gradus::cpu
