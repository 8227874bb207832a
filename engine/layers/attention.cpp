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

Rope turn(const Run& r, Tensor qkv, Tensor positions, Tensor rope_table) {
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
    /*2*/ if (rope_table) ops.rope_forward(turn(r, a.qkv, batch.positions, rope_table), s);
    /*3*/ ops.attention_forward({.y = a.y, .lse = a.lse, .qkv = a.qkv, .lo = batch.lo, .hi = batch.hi, .B = d.B,
                                 .T = d.T, .H = d.H, .G = d.G, .D = d.D, .scale = scale_of(d)}, s);
    /*4*/ ops.linear_forward({.y = out, .x = a.y, .w = w.out_w, .b = bias_of_rank_0(r, w.out_b)}, s);
}

void attention_backward(const Run& r, const AttentionWeights& w, AttentionWeights& d_w, const AttentionActs& a,
                        AttentionScratch& k, const Batch& batch, Tensor rope_table, Tensor d_x, Tensor d_out, Tensor x) {
    const Ops& ops = r.ops;
    const Dims& d = r.d;
    const Stream s = r.stream;
    /*4*/ ops.linear_backward_input({.d_x = k.d_y, .d_y = d_out, .w = w.out_w}, s);
          ops.linear_backward_weight({.d_w = d_w.out_w, .d_b = bias_of_rank_0(r, d_w.out_b), .d_y = d_out, .x = a.y}, s);
    /*3*/ ops.attention_backward({.d_qkv = k.d_qkv, .delta = k.delta, .d_y = k.d_y, .qkv = a.qkv, .y = a.y, .lse = a.lse,
                                  .lo = batch.lo, .hi = batch.hi, .B = d.B, .T = d.T, .H = d.H, .G = d.G, .D = d.D,
                                  .scale = scale_of(d)}, s);
    /*2*/ if (rope_table) ops.rope_backward(turn(r, k.d_qkv, batch.positions, rope_table), s);
    /*1*/ ops.linear_backward_input({.d_x = d_x, .d_y = k.d_qkv, .w = w.qkv_w}, s);
          ops.linear_backward_weight({.d_w = d_w.qkv_w, .d_b = d_w.qkv_b, .d_y = k.d_qkv, .x = x}, s);
}

void attention_cached(const Run& r, const AttentionWeights& w, AttentionCache& cache, const CachedRows& rows,
                      Tensor rope_table, Tensor out, Tensor qkv, Tensor y, Tensor x) {
    const Ops& ops = r.ops;
    const Dims& d = r.d;
    const Stream s = r.stream;
    /*1*/ ops.linear_forward({.y = qkv, .x = x, .w = w.qkv_w, .b = w.qkv_b}, s);
    /*2*/ if (rope_table) ops.rope_forward(turn(r, qkv, rows.position, rope_table), s);
    /*3*/ ops.attention_cached({.y = y, .k_cache = cache.k, .v_cache = cache.v, .qkv = qkv, .sequence = rows.sequence,
                                .position = rows.position, .lo = rows.lo, .H = d.H, .G = d.G, .D = d.D,
                                .scale = scale_of(d)}, s);
    /*4*/ ops.linear_forward({.y = out, .x = y, .w = w.out_w, .b = bias_of_rank_0(r, w.out_b)}, s);
}

}  // namespace gradus
