// The norm and rotation of query and key heads of any backend against the reference.
#include "kernels/heads.h"
#include "kernels/qk_norm_rope.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct NormedHeads {
    int64_t N, H, G, D, R;
    std::string name() const {
        return "N=" + std::to_string(N) + " H=" + std::to_string(H) + " G=" + std::to_string(G) +
               " D=" + std::to_string(D) + " R=" + std::to_string(R);
    }
};

// Full and partial rotation, an odd width, none rotated in whole packs, more heads than a block has at a time, heads that are too wide
// for one share per thread.
std::vector<NormedHeads> normed_heads() {
    if (tested().slow) return {{2, 1, 1, 3, 1}, {3, 3, 1, 16, 8}, {2, 2, 1, 80, 24}, {2, 1, 1, 260, 128}};
    return {{1, 1, 1, 2, 1},    {5, 1, 1, 3, 1},   {5, 3, 1, 16, 8},   {7, 4, 2, 20, 6},   {19, 2, 1, 64, 32},
            {9, 33, 3, 32, 16}, {3, 9, 2, 96, 16}, {4, 2, 1, 128, 64}, {3, 2, 2, 300, 70}, {2, 1, 1, 768, 256}};
}

constexpr int P = 7;
constexpr double eps = 1e-3;

}  // namespace

TEST_CASE("the norm and rotation of heads is as exact as the naive formula, of views of packed heads too") {
    for (const NormedHeads& c : normed_heads())
        for (RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved})
            for (bool packed : {false, true})
                compare("qk_norm_rope_forward " + c.name(), [=](const Side& s) {
                    const Owned qkv = s.in(1, {c.N, (c.H + 2 * c.G) * c.D}), y = s.out(qkv.shape);
                    const auto in = packed_heads(qkv, c.H, c.G, c.D), out = packed_heads(y, c.H, c.G, c.D);
                    const Owned q = dense(in.q), k = dense(in.k), y_q = dense(out.q), y_k = dense(out.k);
                    const Owned q_gain = s.in(2, {c.D}), k_gain = s.in(3, {c.D}), positions = integers(4, {c.N}, 0, P),
                                rope_table = s.sum(5, {P, c.R, 2});
                    const Owned q_rstd = s.statistic({c.N, c.H}), k_rstd = s.statistic({c.N, c.G});
                    s.ops.qk_norm_rope_forward({.y_q = packed ? out.q : Tensor(y_q),
                                                .y_k = packed ? out.k : Tensor(y_k),
                                                .q_rstd = q_rstd,
                                                .k_rstd = k_rstd,
                                                .q = packed ? in.q : Tensor(q),
                                                .k = packed ? in.k : Tensor(k),
                                                .q_gain = q_gain,
                                                .k_gain = k_gain,
                                                .positions = positions,
                                                .rope_table = rope_table,
                                                .layout = layout,
                                                .eps = eps},
                                               {});
                    return outputs(dense(packed ? out.q : Tensor(y_q)), dense(packed ? out.k : Tensor(y_k)),
                                   copy_of(q_rstd), copy_of(k_rstd));
                });
}

TEST_CASE("the gradients of the norm and rotation of heads are as exact as the naive formula, and accumulate") {
    for (const NormedHeads& c : normed_heads())
        for (RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved})
            for (size_t room : {size_t(0), size_t(2), size_t(100)}) {
                const Workspace some(room * 2 * size_t(c.D) * sizeof(float));
                compare("qk_norm_rope_backward " + c.name(), [=](const Side& s) {
                    const Owned qkv = s.in(1, {c.N, (c.H + 2 * c.G) * c.D}), d_qkv = s.in(2, qkv.shape);
                    const auto x = packed_heads(qkv, c.H, c.G, c.D), d = packed_heads(d_qkv, c.H, c.G, c.D);
                    const Owned q_gain = s.in(3, {c.D}), k_gain = s.in(4, {c.D}), positions = integers(5, {c.N}, 0, P),
                                rope_table = s.sum(6, {P, c.R, 2}), d_q_gain = s.sum(7, {c.D}),
                                d_k_gain = s.sum(8, {c.D});
                    const Owned q_rstd = s.sum(9, {c.N, c.H}, 0.1, 1), k_rstd = s.sum(10, {c.N, c.G}, 0.1, 1);
                    s.ops.qk_norm_rope_backward({.d_q = d.q,  // in place
                                                 .d_k = d.k,
                                                 .d_q_gain = d_q_gain,
                                                 .d_k_gain = d_k_gain,
                                                 .d_y_q = d.q,
                                                 .d_y_k = d.k,
                                                 .q = x.q,
                                                 .k = x.k,
                                                 .q_gain = q_gain,
                                                 .k_gain = k_gain,
                                                 .q_rstd = q_rstd,
                                                 .k_rstd = k_rstd,
                                                 .positions = positions,
                                                 .rope_table = rope_table,
                                                 .layout = layout},
                                                {});
                    return outputs(copy_of(d_qkv), copy_of(d_q_gain), copy_of(d_k_gain));
                });
            }
}
