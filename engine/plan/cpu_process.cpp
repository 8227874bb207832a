#include "engine/plan/cpu_process.h"

#include <algorithm>

#include "kernels/cpu/attention_tile.h"

namespace gradus {

namespace {

using namespace cpu;

constexpr double mib = 1 << 20;
constexpr double program_alone = 14 * mib, program_with_mpi = 28 * mib, stack_of_thread = 0.1 * mib;
constexpr double pages_of_sample = 64 << 10;  // around a page that is touched the kernel maps its neighbours

// As kernels/cpu/matmul_packed.cpp lays out its panels, in floats.
double matmul_scratch(const MatmulShape& shape, bool rounds) {
    constexpr int64_t depth = 6144 / tile_columns;
    const auto panels = [](int64_t lanes, int64_t lanes_of_panel, int64_t k) {
        return round_up(lanes, lanes_of_panel) / lanes_of_panel * round_up(lanes_of_panel * k + panel_slack, 16);
    };
    const int64_t M = std::min(shape[0], round_up(1024, tile_rows)),
                  N = std::min(shape[1], round_up(3072, tile_columns)), K = std::min(shape[2], depth);
    const int64_t partial = rounds && shape[2] > depth ? M * N : 0;
    return double(panels(M, tile_rows, K) + panels(N, tile_columns, K) + partial);
}

// As kernels/cpu/attention_forward.cpp and attention_backward.cpp: a wave of heads, and a tile for each thread.
double attention_scratch(const Dims& d, int threads) {
    const HeadLayout at = {d.T, d.H, d.G, d.D};
    const int64_t pairs = int64_t(d.B) * d.G;
    const auto wave = [&](int64_t floats, int64_t pair) { return std::clamp<int64_t>(floats / pair, 1, pairs) * pair; };

    const int64_t forward_pair = at.key_panels() + at.key_tiles() * key_tile * at.wide;
    const int64_t forward_work = at.query_panels() + query_tile * (score_stride + at.wide + width + 1);
    const int64_t stretches = std::clamp<int64_t>(32 / pairs, 1, std::max<int64_t>(1, at.key_tiles() / 3));
    const int64_t backward_pair =
        2 * at.key_panels() + 3 * at.key_matrix() + stretches * at.query_tiles() * at.query_matrix();
    const int64_t backward_work = 2 * at.query_panels() + 2 * at.query_matrix() + 2 * (query_tile + 1) * score_stride +
                                  2 * round_up(query_tile, 16);
    return double(wave(4 << 20, forward_pair) + wave(12 << 20, backward_pair) +
                  threads * (forward_work + backward_work));
}

}  // namespace

CpuProcess cpu_process(const Run& r, const Counted& step, const CpuRun& run) {
    CpuProcess p;
    p.program = (run.ranks > 1 ? program_with_mpi : program_alone) + run.threads * stack_of_thread;

    p.pages = run.whole_pages;

    double product = 0;
    for (const auto& [shape, amount] : step.matmuls)
        product = std::max(product, matmul_scratch(shape, r.dtype == DType::bf16));
    const double norms = 2.0 * r.d.C * double((r.d.N() + 15) / 16);
    p.scratch = sizeof(float) * (product + attention_scratch(r.d, run.threads) + norms);

    constexpr double numbers_of_token = 4;     // token, target, position, first key
    constexpr double saved_at_once = 4 * mib;  // engine/checkpoint/transfer.cpp
    p.host = sizeof(int32_t) * (run.sequences * r.d.T * numbers_of_token + double(r.d.N())) +
             std::min(saved_at_once, run.largest_weight) + run.samples;
    p.data = std::min(run.mapped_bytes, run.steps * run.sequences * (pages_of_sample + 2.0 * r.d.T));
    return p;
}

double cpu_staging(const MeshSizes& mesh) {
    // As engine/comm_mpi/mpi_world.cpp: two pieces under way for each other rank, of 512 KiB, 64 MiB at most for a group.
    const auto group = [](int ranks) { return ranks > 1 ? std::min(2.0 * (ranks - 1) * 0.5 * mib, 64 * mib) : 0; };
    double all = group(mesh.dp) + group(mesh.tp);
    return all + group(mesh.dp * mesh.tp);
}

}  // namespace gradus
