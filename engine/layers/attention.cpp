#include "engine/layers/attention.h"

#include <cmath>

#include "kernels/attention.h"
#include "kernels/linear.h"
#include "kernels/rope.h"

// Calls are tables here, forward and backward to be read side by side.
// clang-format off
namespace gradus {

namespace {

double scale_of(const Dims& d) { return 1 / std::sqrt(double(d.D)); }

Rope rotation(const Run& r, Tensor qkv, Tensor positions, Tensor rope_table) {
    return {.x = qkv, .positions = positions, .rope_table = rope_table, .heads = r.d.H + r.d.G, .D = r.d.D};
}

Opt bias_of_rank_0(const Run& r, Tensor bias) { return r.tp.rank == 0 ? Opt(bias) : Opt(); }

}  // namespace

void attention_forward(const Run& r, const AttentionWeights& w, AttentionActs& a, const Batch& batch, Tensor rope_table,
                       Tensor out, Tensor x) {
    const Ops& ops = r.ops;
    const Dims& d = r.d;
    const Stream s = r.stream;
    /*1*/ ops.linear_forward({.y = a.qkv, .x = x, .w = w.qkv_w, .b = w.qkv_b}, s);
    /*2*/ if (rope_table) ops.rope_forward(rotation(r, a.qkv, batch.positions, rope_table), s);
    const auto [q, k, v] = packed_heads(a.qkv, d.H, d.G, d.D);
    /*3*/ ops.attention_forward({.y = a.y, .lse = a.lse, .q = q, .k = k, .v = v, .lo = batch.lo, .hi = batch.hi, .B = d.B,
                                 .Tq = d.T, .Tk = d.T, .H = d.H, .G = d.G, .D = d.D, .scale = scale_of(d), .causal = batch.causal}, s);
    /*4*/ ops.linear_forward({.y = out, .x = a.y, .w = w.out_w, .b = bias_of_rank_0(r, w.out_b)}, s);
}

void attention_backward(const Run& r, const AttentionWeights& w, AttentionWeights& d_w, const AttentionActs& a,
                        AttentionScratch& scratch, const Batch& batch, Tensor rope_table, Tensor d_x, Tensor d_out,
                        Tensor x) {
    const Ops& ops = r.ops;
    const Dims& d = r.d;
    const Stream s = r.stream;
    const auto& [d_qkv, d_y, delta] = scratch;
    const auto [q, k, v] = packed_heads(a.qkv, d.H, d.G, d.D);
    const auto [d_q, d_k, d_v] = packed_heads(d_qkv, d.H, d.G, d.D);
    /*4*/ ops.linear_backward_input({.d_x = d_y, .d_y = d_out, .w = w.out_w}, s);
          ops.linear_backward_weight({.d_w = d_w.out_w, .d_b = bias_of_rank_0(r, d_w.out_b), .d_y = d_out, .x = a.y,
                                      .overwrite = r.overwrite}, s);
    /*3*/ ops.attention_backward({.d_q = d_q, .d_k = d_k, .d_v = d_v, .delta = delta, .d_y = d_y, .q = q, .k = k, .v = v,
                                  .y = a.y, .lse = a.lse, .lo = batch.lo, .hi = batch.hi, .B = d.B, .Tq = d.T, .Tk = d.T,
                                  .H = d.H, .G = d.G, .D = d.D, .scale = scale_of(d), .causal = batch.causal}, s);
    /*2*/ if (rope_table) ops.rope_backward(rotation(r, d_qkv, batch.positions, rope_table), s);
    /*1*/ ops.linear_backward_input({.d_x = d_x, .d_y = d_qkv, .w = w.qkv_w}, s);
          ops.linear_backward_weight({.d_w = d_w.qkv_w, .d_b = d_w.qkv_b, .d_y = d_qkv, .x = x,
                                      .overwrite = r.overwrite}, s);
}

void attention_cached(const Run& r, const AttentionWeights& w, AttentionCache& cache, const CachedRows& rows,
                      Tensor rope_table, Tensor out, Tensor qkv, Tensor y, Tensor x) {
    const Ops& ops = r.ops;
    const Dims& d = r.d;
    const Stream s = r.stream;
    /*1*/ ops.linear_forward({.y = qkv, .x = x, .w = w.qkv_w, .b = w.qkv_b}, s);
    /*2*/ if (rope_table) ops.rope_forward(rotation(r, qkv, rows.position, rope_table), s);
    const auto [q, k, v] = packed_heads(qkv, d.H, d.G, d.D);
    /*3*/ ops.attention_cached({.y = y, .k_cache = cache.k, .v_cache = cache.v, .q = q, .k = k, .v = v,
                                .sequence = rows.sequence, .position = rows.position, .lo = rows.lo, .H = d.H, .G = d.G,
                                .D = d.D, .scale = scale_of(d)}, s);
    /*4*/ ops.linear_forward({.y = out, .x = y, .w = w.out_w, .b = bias_of_rank_0(r, w.out_b)}, s);
}

}  // namespace gradus
