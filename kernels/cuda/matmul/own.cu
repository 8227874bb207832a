// The choice of the kernel, the tile and the splits of a matmul; see own.h.
#include "kernels/cuda/matmul/own.h"

#include <array>
#include <limits>

#include "kernels/choices.h"
#include "kernels/cuda/matmul/task.h"

namespace gradus::DEVICE {

namespace {

int64_t parts_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

int64_t depth_of(const Matmul& p) { return p.transpose_a ? p.a.rows() : p.a.last(); }

constexpr size_t widest_access = 16;

bool begins_aligned(const Tensor& t) { return reinterpret_cast<uintptr_t>(t.data) % widest_access == 0; }

bool aligned(const Tensor& t) {
    return begins_aligned(t) && size_t(t.stride()) * size_of(t.dtype) % widest_access == 0;
}

// One kind of tile as the model of the device sees it: products per clock of an SM, and clocks before and after the loop along k.
// wgmma multiplies faster than the L2 cache delivers: its rates are those of 32 bytes a clock and SM, for (rows + columns)·2 bytes a step.
struct Kind {
    MatmulTile tile;
    int64_t rows, columns, rate, overhead;
};
constexpr std::array warpgroup_kinds = {Kind{MatmulTile::large, 128, 256, 1365, 4000},
                                        Kind{MatmulTile::medium, 128, 128, 1024, 2500}};
constexpr std::array tensor_core_kinds = {Kind{MatmulTile::large, 128, 256, 1000, 4000},
                                          Kind{MatmulTile::medium, 128, 128, 920, 3000},
                                          Kind{MatmulTile::small, 64, 64, 560, 2000}};
constexpr std::array register_kinds = {Kind{MatmulTile::medium, 128, 128, 100, 3000},
                                       Kind{MatmulTile::small, 64, 64, 64, 2000}};
constexpr std::array split_counts = {1, 2, 3, 4, 6, 8, 12, 16};

// The device of the model: an H200, near to which the others are.
constexpr int64_t multiprocessors = 132, bytes_per_clock = 2200, launch_clocks = 4000;

// The tiles run in waves, one for each multiprocessor at a time, and a part of a wave takes as long as a full one. Integers, so that all
// hosts find the same plan.
int64_t clocks(const Kind& kind, int64_t M, int64_t N, int splits, int64_t depth) {
    const int64_t blocks = parts_of(M, kind.rows) * parts_of(N, kind.columns) * splits;
    const int64_t of_block = kind.rows * kind.columns * depth / kind.rate + kind.overhead;
    const int64_t adding = splits == 1 ? 0 : launch_clocks + int64_t(2 * split_bytes(M, N, splits)) / bytes_per_clock;
    return parts_of(blocks, multiprocessors) * of_block + adding;
}

template <size_t count>
MatmulPlan fastest(const std::array<Kind, count>& kinds, int64_t M, int64_t N, int64_t K, size_t workspace_bytes) {
    MatmulPlan best;
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const Kind& kind : kinds)
        for (const int splits : split_counts) {
            const int64_t depth = parts_of(parts_of(K, splits), depth_unit) * depth_unit;
            if (splits > 1 && (depth * (splits - 1) >= K || split_bytes(M, N, splits) > workspace_bytes)) continue;
            const int64_t time = clocks(kind, M, N, splits, depth);
            if (time >= least) continue;
            least = time;
            best.tile = kind.tile, best.splits = splits, best.depth = depth;
        }
    return best;
}

}  // namespace

size_t split_bytes(int64_t M, int64_t N, int splits) {
    return splits == 1 ? 0 : size_t(splits * M * sums_stride(N)) * sizeof(float);
}

bool on_tensor_cores(const Matmul& p) { return p.a.dtype == DType::bf16 && aligned(p.a) && aligned(p.b); }

MatmulPlan plan_of(const Matmul& p, MatmulCores cores, size_t workspace_bytes) {
    const auto plan = [&](const auto& kinds) {
        MatmulPlan best = fastest(kinds, p.c.rows(), p.c.last(), depth_of(p), workspace_bytes);
        best.cores = cores;
        return best;
    };
    switch (cores) {
        case MatmulCores::cuda: return plan(register_kinds);
        case MatmulCores::mma: return plan(tensor_core_kinds);
        case MatmulCores::wgmma: break;
    }
    return plan(warpgroup_kinds);
}

MatmulPlan plan_of(const Matmul& p, size_t workspace_bytes) {
    const MatmulCores cores = on_warpgroups(p)     ? MatmulCores::wgmma
                              : on_tensor_cores(p) ? MatmulCores::mma
                                                   : MatmulCores::cuda;
    return plan_of(p, cores, workspace_bytes);
}

void own_matmul(const Matmul& p, const MatmulPlan& plan, Stream s) {
    CHECK(plan.depth % depth_unit == 0 && split_bytes(p.c.rows(), p.c.last(), plan.splits) <= s.workspace_bytes &&
              (plan.cores == MatmulCores::cuda || on_tensor_cores(p)),
          "the plan of a matmul does not fit it");
    const MatmulTask task = {.c = p.c.data,
                             .a = p.a.data,
                             .b = p.b.data,
                             .bias = p.bias.data,
                             .pre = p.pre.data,
                             .c_stride = p.c.stride(),
                             .a_stride = p.a.stride(),
                             .b_stride = p.b.stride(),
                             .pre_stride = p.pre ? p.pre.stride() : 0,
                             .M = int(p.c.rows()),
                             .N = int(p.c.last()),
                             .K = int(depth_of(p)),
                             .alpha = p.alpha,
                             .accumulate = p.accumulate,
                             .wide = aligned(p.c) && begins_aligned(p.bias) && (!p.pre || aligned(p.pre)),
                             .activation = p.activation,
                             .sums = plan.splits > 1 ? static_cast<float*>(s.workspace) : nullptr,
                             .splits = plan.splits,
                             .depth = int(plan.depth)};
    switch (plan.cores) {
        case MatmulCores::cuda: multiply_in_register_tiles(task, p, plan.tile, s); break;
        case MatmulCores::mma: multiply_on_tensor_cores(task, p, plan.tile, s); break;
        case MatmulCores::wgmma: multiply_on_warpgroups(task, p, plan, s); break;
    }
    if (task.sums) add_splits(task, p, s);
}

void matmul(const Matmul& p, Stream s) {
    CHECK(p.end == MatmulEnd::plain, "an activation at the end of a matmul needs matmul_with_activation()");
    if (p.c.size() == 0) return;
    if (depth_of(p) == 0) {
        CHECK(p.accumulate, "a matmul with K = 0 that does not accumulate");
        return;
    }
    if (kernel_choices().matmul == MatmulKernel::own) own_matmul(p, plan_of(p, s.workspace_bytes), s);
    else library_matmul(p, s);
}

bool matmul_with_activation(const Matmul& p, Stream s) {
    if (p.c.size() == 0) return true;
    if (kernel_choices().matmul == MatmulKernel::library) return library_matmul_with_activation(p, s);
    own_matmul(p, plan_of(p, s.workspace_bytes), s);
    return true;
}

}  // namespace gradus::DEVICE
