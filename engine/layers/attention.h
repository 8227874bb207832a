#pragma once
// Self-attention: project to queries, keys and values, rotate queries and keys by their positions, attend, project
// back. The mathematics: kernels/attention.h, kernels/rope.h, kernels/linear.h.
//
// Under tensor parallelism each rank has its own heads: qkv_w is split by rows, out_w by columns. `out` and `d_x` are
// then this rank's part of a sum, which the block makes. The output bias is added by rank 0 alone, and its gradient
// made there alone, so that the sums hold them once.
#include "engine/batch.h"
#include "engine/run.h"
#include "engine/spec.h"

namespace gradus {

struct AttentionWeights {
    Tensor qkv_w, qkv_b, out_w, out_b;

    template <class Visit>
    void each(const Dims& d, const ModelConfig& m, Visit&& visit) {
        const std::array<int64_t, 3> parts = {d.H * d.D, d.G * d.D, d.G * d.D};
        visit("qkv_w", qkv_w,
              Spec{.shape = {d.qkv_width(), d.C}, .split = Split::rows, .parts = parts, .overwritten = true});
        visit(
            "out_w", out_w,
            Spec{
                .shape = {d.C, d.query_width()}, .init = Init::residual, .split = Split::columns, .overwritten = true});
        if (!m.bias) return;
        visit("qkv_b", qkv_b, Spec{.shape = {d.qkv_width()}, .init = Init::zero, .split = Split::rows, .parts = parts});
        visit("out_b", out_b, Spec{.shape = {d.C}, .init = Init::zero});
    }
};

struct AttentionActs {
    Tensor qkv;  // [N, (H+2G)·D]  after the rotation
    Tensor y;    // [N, H·D]
    Tensor lse;  // [B,H,T]

    template <class Visit>
    void each(const Run& r, Visit&& visit) {
        visit("qkv", qkv, Shape{r.d.N(), r.d.qkv_width()}, r.dtype);
        visit("y", y, Shape{r.d.N(), r.d.query_width()}, r.dtype);
        visit("lse", lse, Shape{r.d.B, r.d.H, r.d.T}, r.accumulator());
    }
};

struct AttentionScratch {
    Tensor d_qkv, d_y;
    Tensor delta;  // [B,H,T]

    template <class Visit>
    void each(const Run& r, Visit&& visit) {
        visit("d_qkv", d_qkv, Shape{r.d.N(), r.d.qkv_width()}, r.dtype);
        visit("d_y", d_y, Shape{r.d.N(), r.d.query_width()}, r.dtype);
        visit("delta", delta, Shape{r.d.B, r.d.H, r.d.T}, r.accumulator());
    }
};

// Keys and values of S sequences that are being generated, of at most P positions.
struct AttentionCache {
    Tensor k, v;  // [S,G,P,D]

    template <class Visit>
    void each(const Run& r, int S, int P, Visit&& visit) {
        for (auto [name, t] : {std::pair{"k", &k}, {"v", &v}}) visit(name, *t, Shape{S, r.d.G, P, r.d.D}, r.dtype);
    }
};

void attention_forward(const Run&, const AttentionWeights&, AttentionActs&, const Batch&, Tensor rope_table, Tensor out,
                       Tensor x);
void attention_backward(const Run&, const AttentionWeights& w, AttentionWeights& d_w, const AttentionActs&,
                        AttentionScratch&, const Batch&, Tensor rope_table, Tensor d_x, Tensor d_out, Tensor x);
void attention_cached(const Run&, const AttentionWeights&, AttentionCache&, const CachedRows&, Tensor rope_table,
                      Tensor out, Tensor qkv, Tensor y, Tensor x);

}  // namespace gradus
