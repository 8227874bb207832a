// The matmul of few rows, as in generation for many sequences at once: all of a is packed first; then each thread takes panels of
// b, packs one, and multiplies it with all rows of a. So b is read once, its packed form never leaves the thread's L1 cache,
// and no thread waits for another between the blocks of k.
#include "kernels/cpu/buffer.h"
#include "kernels/cpu/matmul.h"
#include "kernels/cpu/matmul_panels.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

constexpr int64_t panels_per_item = 2;

thread_local Buffer buffer;

int64_t blocks_of(int64_t K) { return (K + block_depth - 1) / block_depth; }
int64_t row_panels(int64_t M) { return (M + tile_rows - 1) / tile_rows; }

// Floats of scratch memory: all of a, and for each thread a panel of b and its partial sums.
struct Scratch {
    int64_t a, b, partial;
    int64_t of_thread() const { return b + partial; }
};
Scratch scratch_of(int64_t M, int64_t K) {
    return {.a = blocks_of(K) * row_panels(M) * panel_size(tile_rows, block_depth),
            .b = panel_size(tile_columns, block_depth),
            .partial = round_up(M * tile_columns + panel_slack, 16)};
}

// One panel of b: columns n … n + tile_columns, all rows of a.
template <class Scalar>
void multiply_column(const Matmul& p, const float* a_panels, float* b_panel, float* partial, int64_t n) {
    const int64_t columns = std::min<int64_t>(tile_columns, p.N - n);
    for (int64_t k = 0; k < p.K; k += block_depth) {
        const int64_t depth = std::min(block_depth, p.K - k);
        pack<tile_columns>(b_panel, 1, p.b, p.b.rows_are_contiguous(), p.b.at(k, n), columns, depth);
        const Target target = {.p = p,
                               .partial = partial,
                               .stride = tile_columns,
                               .first_row = 0,
                               .first_column = n,
                               .first = k == 0,
                               .last = k + depth == p.K};
        const float* a = a_panels + k / block_depth * row_panels(p.M) * panel_size(tile_rows, block_depth);
        for (int64_t m = 0; m < p.M; m += tile_rows, a += panel_size(tile_rows, depth))
            finish<Scalar>(target, multiply_panels(a, b_panel, depth), m, n, std::min<int64_t>(tile_rows, p.M - m),
                           columns);
    }
}

template <class Scalar>
void run(const Matmul& p) {
    const int64_t panels = row_panels(p.M), blocks = blocks_of(p.K);
    const int64_t columns = (p.N + tile_columns - 1) / tile_columns;
    const int team = int(std::clamp<int64_t>(p.M * p.N * p.K >> 18, 1, threads()));
    const Scratch scratch = scratch_of(p.M, p.K);
    float* const a_panels = buffer.floats(size_t(scratch.a + team * scratch.of_thread()));
#pragma omp parallel num_threads(team)
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < blocks * panels; ++i) {
            const int64_t k = i / panels * block_depth, m = i % panels * tile_rows,
                          depth = std::min(block_depth, p.K - k);
            pack<tile_rows>(a_panels + i / panels * panels * panel_size(tile_rows, block_depth) +
                                i % panels * panel_size(tile_rows, depth),
                            1, p.a, !p.a.rows_are_contiguous(), p.a.at(m, k), p.M - m, depth);
        }
        float* const own = a_panels + scratch.a + omp_get_thread_num() * scratch.of_thread();
#pragma omp for schedule(dynamic, panels_per_item)
        for (int64_t i = 0; i < columns; ++i)
            multiply_column<Scalar>(p, a_panels, own, own + scratch.b, i * tile_columns);
    }
}

}  // namespace

void low_matmul(const Matmul& p) {
    CHECK(is_low(p), "not a matmul of few rows");
    if (p.dtype == DType::bf16) run<bf16>(p);
    else run<float>(p);
}

int64_t low_matmul_scratch(int64_t M, int64_t K) {
    const Scratch scratch = scratch_of(M, K);
    return scratch.a + scratch.of_thread();
}

}  // namespace gradus::cpu
