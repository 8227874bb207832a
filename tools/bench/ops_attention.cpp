// Benchmarks of attention and rope.
#include <cmath>

#include "tools/bench/op_cases.h"

namespace gradus::op_cases {

namespace {

// The last `rows` positions, divided among the sequences, of caches of `length` positions.
struct Context {
    int64_t rows, sequences, length;
};

void bench_cached(const Bench& bench, const Shapes& s, const Context& c) {
    if (!bench.wanted("attention_cached")) return;
    const Ops& ops = bench.ops;
    const DType t = bench.dtype;
    const int64_t per_sequence = c.rows / c.sequences, first = c.length - per_sequence;
    Tensors m(ops, !bench.options.count);
    const auto [q, k, v] = packed_heads(m.uniform(t, {c.rows, (s.H + 2 * s.G) * s.D}), s.H, s.G, s.D);
    const AttentionCached a = {
        .y = m.uniform(t, {c.rows, s.H * s.D}),
        .k_cache = m.uniform(t, {c.sequences, s.G, c.length, s.D}),
        .v_cache = m.uniform(t, {c.sequences, s.G, c.length, s.D}),
        .q = q,
        .k = k,
        .v = v,
        .sequence = m.integers({c.rows}, [&](int64_t n) { return n / per_sequence; }),
        .position = m.integers({c.rows}, [&](int64_t n) { return first + n % per_sequence; }),
        .lo = m.integers({c.rows}, [](int64_t) { return 0; }),
        .H = s.H,
        .G = s.G,
        .D = s.D,
        .scale = 1 / std::sqrt(double(s.D)),
    };
    const Cost once = {double(a.k_cache.bytes() + a.v_cache.bytes()),
                       4.0 * double(c.rows) * s.H * double(c.length) * s.D};
    bench.measure({"attention_cached", text(s, {c.rows, c.length, s.H, s.G, s.D}), t, once,
                   [&] { ops.attention_cached(a, bench.stream); }});
}

}  // namespace

void bench_attention(const Bench& bench, const Shapes& s) {
    const Ops& ops = bench.ops;
    const DType t = bench.dtype, sum = accumulator_of(t);
    const int64_t row = (s.H + 2 * s.G) * s.D, y_row = s.H * s.D, T = s.T, B = s.B;
    const std::string shape = text(s, {B, T, s.H, s.G, s.D});
    const double scale = 1 / std::sqrt(double(s.D));
    const auto lo = [&](Tensors& m) { return m.integers({B, T}, [](int64_t) { return 0; }); };
    const auto hi = [&](Tensors& m) { return m.integers({B, T}, [&](int64_t i) { return i % T + 1; }); };
    const auto forward = [&](Tensors& m) {
        const auto qkv = packed_heads(m.uniform(t, {B * T, row}), s.H, s.G, s.D);
        return AttentionForward{.y = m.uniform(t, {B * T, y_row}),
                                .lse = m.uniform(sum, {B, s.H, T}),
                                .q = qkv.q,
                                .k = qkv.k,
                                .v = qkv.v,
                                .lo = lo(m),
                                .hi = hi(m),
                                .B = s.B,
                                .Tq = s.T,
                                .Tk = s.T,
                                .H = s.H,
                                .G = s.G,
                                .D = s.D,
                                .scale = scale,
                                .causal = true};
    };
    bench.op<AttentionForward>("attention_forward", shape, ops.attention_forward, forward,
                               bench.cudnn().attention_forward);
    bench.op<AttentionBackward>(
        "attention_backward", shape, ops.attention_backward,
        [&](Tensors& m) {
            const AttentionForward f = forward(m);
            if (!bench.options.count) ops.attention_forward(f, bench.stream);
            const auto [d_q, d_k, d_v] = packed_heads(m.uniform(t, {B * T, row}), s.H, s.G, s.D);
            return AttentionBackward{.d_q = d_q,
                                     .d_k = d_k,
                                     .d_v = d_v,
                                     .delta = m.uniform(sum, {B, s.H, T}),
                                     .d_y = m.uniform(t, {B * T, y_row}),
                                     .q = f.q,
                                     .k = f.k,
                                     .v = f.v,
                                     .y = f.y,
                                     .lse = f.lse,
                                     .lo = f.lo,
                                     .hi = f.hi,
                                     .B = s.B,
                                     .Tq = s.T,
                                     .Tk = s.T,
                                     .H = s.H,
                                     .G = s.G,
                                     .D = s.D,
                                     .scale = scale,
                                     .causal = true};
        },
        bench.cudnn().attention_backward);
    std::vector<Context> contexts = {
        {1, 1, std::min<int64_t>(s.T, 1024)}, {1, 1, 8192}, {16, 16, 2048}, {256, 1, 2048}};
    if (bench.options.training_shapes) contexts.push_back({16, 16, 8192});
    for (const Context& c : contexts) bench_cached(bench, s, c);
    bench.op<Rope>("rope_forward", shape, ops.rope_forward, [&](Tensors& m) {
        return Rope{.x = m.uniform(t, {B * T, row}),
                    .positions = m.integers({B * T}, [&](int64_t n) { return n % T; }),
                    .rope_table = m.uniform(sum, {T, s.D / 2, 2}),
                    .heads = s.H + s.G,
                    .D = s.D};
    });
    bench.op<QkNormRopeForward>("qk_norm_rope_forward", shape, ops.qk_norm_rope_forward, [&](Tensors& m) {
        const auto y = packed_heads(m.uniform(t, {T, row}), s.H, s.G, s.D),
                   qkv = packed_heads(m.uniform(t, {T, row}), s.H, s.G, s.D);
        return QkNormRopeForward{.y_q = y.q,
                                 .y_k = y.k,
                                 .q_rstd = m.uniform(sum, {T, s.H}),
                                 .k_rstd = m.uniform(sum, {T, s.G}),
                                 .q = qkv.q,
                                 .k = qkv.k,
                                 .q_gain = m.uniform(t, {s.D}),
                                 .k_gain = m.uniform(t, {s.D}),
                                 .positions = m.integers({T}, [](int64_t n) { return n; }),
                                 .rope_table = m.uniform(sum, {T, s.D / 2, 2})};
    });
    bench.op<QkNormRopeBackward>("qk_norm_rope_backward", shape, ops.qk_norm_rope_backward, [&](Tensors& m) {
        const auto d = packed_heads(m.uniform(t, {T, row}), s.H, s.G, s.D),
                   d_y = packed_heads(m.uniform(t, {T, row}), s.H, s.G, s.D),
                   qkv = packed_heads(m.uniform(t, {T, row}), s.H, s.G, s.D);
        return QkNormRopeBackward{.d_q = d.q,
                                  .d_k = d.k,
                                  .d_q_gain = m.uniform(sum, {s.D}),
                                  .d_k_gain = m.uniform(sum, {s.D}),
                                  .d_y_q = d_y.q,
                                  .d_y_k = d_y.k,
                                  .q = qkv.q,
                                  .k = qkv.k,
                                  .q_gain = m.uniform(t, {s.D}),
                                  .k_gain = m.uniform(t, {s.D}),
                                  .q_rstd = m.uniform(sum, {T, s.H}),
                                  .k_rstd = m.uniform(sum, {T, s.G}),
                                  .positions = m.integers({T}, [](int64_t n) { return n; }),
                                  .rope_table = m.uniform(sum, {T, s.D / 2, 2})};
    });
}

}  // namespace gradus::op_cases
