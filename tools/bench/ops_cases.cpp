// The arguments of `gradus bench ops`: every op of the table at the shapes of two models.
#include <cmath>
#include <cstring>
#include <memory>

#include "engine/arena.h"
#include "kernels/cpu/onednn.h"
#include "kernels/every_op.h"
#include "kernels/scalar.h"
#include "tools/bench/ops.h"

namespace gradus {

namespace {

struct Shapes {
    const char* model;
    int64_t N, C, F, V;  // rows, width, feed-forward width, vocabulary
    int H, G, D, T;
};
constexpr Shapes gpt2 = {"gpt2", 1024, 768, 3072, 50257, 12, 12, 64, 1024};
constexpr Shapes llama = {"llama", 512, 2048, 5632, 32000, 32, 4, 64, 512};
constexpr int64_t chunk = 256;  // rows whose logits are held at once

// Owns the tensors of one benchmark.
class Tensors {
public:
    explicit Tensors(const Ops& ops) : ops_(ops) {}
    ~Tensors() {
        for (const Tensor& t : all_) ops_.release(t.data, t.bytes());
    }
    Tensors(const Tensors&) = delete;
    Tensors& operator=(const Tensors&) = delete;

    Tensor uniform(DType type, const Shape& shape, double low = -1, double high = 1) {
        const auto next = [&] {
            state_ = state_ * 1664525u + 1013904223u;
            return float(low + (high - low) * double(state_ >> 8) * 0x1p-24);
        };
        if (type == DType::f32) return filled<float>(shape, [&](int64_t) { return next(); });
        if (type == DType::bf16) return filled<bf16>(shape, [&](int64_t) { return bf16(next()); });
        return filled<double>(shape, [&](int64_t) { return double(next()); });
    }
    // What ops read by its address.
    template <class Value>
    const Value* value(const Value& v) {
        constexpr auto words = int64_t(sizeof(Value) / sizeof(double));
        double host[words];
        std::memcpy(host, &v, sizeof v);
        return filled<double>({words}, [&](int64_t i) { return host[i]; }).template as<Value>();
    }
    template <class Number>
    Tensor integers(const Shape& shape, Number number) {
        return filled<int32_t>(shape, [&](int64_t i) { return int32_t(number(i)); });
    }
    Tensor random_ids(int64_t n, int64_t limit) {
        return integers(
            {n}, [&](int64_t) { return (state_ = state_ * 1664525u + 1013904223u) / 4294967296.0 * double(limit); });
    }

private:
    const Ops& ops_;
    uint32_t state_ = 1;
    std::vector<Tensor> all_;

    template <class Scalar, class Value>
    Tensor filled(const Shape& shape, Value&& value) {
        Tensor t{nullptr, dtype_of<Scalar>(), shape};
        std::vector<Scalar> host(size_t(t.size()));
        for (int64_t i = 0; i < t.size(); ++i) host[size_t(i)] = value(i);
        t.data = ops_.allocate(t.bytes());
        all_.push_back(t);
        ops_.copy_to_device(t.data, host.data(), t.bytes(), {});
        ops_.synchronise({});
        return t;
    }
};

// Knows the dtype of the moment, and what the user wants to see.
struct Bench {
    const BenchOpsOptions& options;
    const Ops& ops;
    const std::function<void(const OpBenchmark&)>& measure;
    DType dtype;
    Stream stream;  // with room for its products

    bool wanted(const std::string& op) const { return op.find(options.filter) != std::string::npos; }

    // build(tensors) returns the op's arguments.
    template <class Args, class Build>
    void op(const std::string& name, const std::string& shape, Op<Args> run, Build&& build) const {
        if (!wanted(name)) return;
        Tensors tensors(ops);
        const Args args = build(tensors);
        measure({name, shape, dtype, cost(args), [&] { run(args, stream); }});
    }
    template <class Args, class Build, class Matmul>
    void linear(const std::string& name, const std::string& shape, Op<Args> run, Build&& build,
                Matmul&& product) const {
        if (!wanted(name)) return;
        Tensors tensors(ops);
        const Args args = build(tensors);
        OpBenchmark b = {name, shape, dtype, cost(args), [&] { run(args, stream); }};
        if (options.device == "cpu" && (dtype == DType::f32 || cpu::multiplies_bf16()))
            b.library = [&] { cpu::onednn_matmul(product(args)); };
        measure(b);
    }
};

std::string text(const Shapes& s, std::initializer_list<int64_t> dims) {
    std::string out = s.model;
    char before = ' ';
    for (int64_t n : dims) {
        out += before;
        out += std::to_string(n);
        before = 'x';
    }
    return out;
}

void bench_linears(const Bench& bench, const Shapes& s) {
    const Ops& ops = bench.ops;
    const DType t = bench.dtype, sum = accumulator_of(t);
    struct Layer {
        int64_t N, I, O;
    };
    const int64_t qkv = (s.H + 2 * s.G) * s.D;
    const auto forward = [&](const Layer& l) {
        bench.linear<LinearForward>(
            "linear_forward", text(s, {l.N, l.I, l.O}), ops.linear_forward,
            [&](Tensors& m) {
                return LinearForward{
                    .y = m.uniform(t, {l.N, l.O}), .x = m.uniform(t, {l.N, l.I}), .w = m.uniform(t, {l.O, l.I})};
            },
            [](const LinearForward& a) {
                return cpu::Matmul{.out = a.y.data,
                                   .dtype = a.y.dtype,
                                   .M = a.x.rows(),
                                   .N = a.y.last(),
                                   .K = a.x.last(),
                                   .a = cpu::matrix(a.x),
                                   .b = cpu::matrix(a.w).transposed()};
            });
    };
    for (const Layer& l :
         std::vector<Layer>{{s.N, s.C, qkv}, {s.N, s.C, s.C}, {s.N, s.C, s.F}, {s.N, s.F, s.C}, {chunk, s.C, s.V}}) {
        forward(l);
        bench.linear<LinearBackwardInput>(
            "linear_backward_input", text(s, {l.N, l.I, l.O}), ops.linear_backward_input,
            [&](Tensors& m) {
                return LinearBackwardInput{
                    .d_x = m.uniform(t, {l.N, l.I}), .d_y = m.uniform(t, {l.N, l.O}), .w = m.uniform(t, {l.O, l.I})};
            },
            [](const LinearBackwardInput& a) {
                return cpu::Matmul{.out = a.d_x.data,
                                   .dtype = a.d_x.dtype,
                                   .M = a.d_y.rows(),
                                   .N = a.d_x.last(),
                                   .K = a.d_y.last(),
                                   .a = cpu::matrix(a.d_y),
                                   .b = cpu::matrix(a.w)};
            });
        bench.linear<LinearBackwardWeight>(
            "linear_backward_weight", text(s, {l.N, l.I, l.O}), ops.linear_backward_weight,
            [&](Tensors& m) {
                return LinearBackwardWeight{
                    .d_w = m.uniform(sum, {l.O, l.I}), .d_y = m.uniform(t, {l.N, l.O}), .x = m.uniform(t, {l.N, l.I})};
            },
            [](const LinearBackwardWeight& a) {
                return cpu::Matmul{.out = a.d_w.data,
                                   .dtype = a.d_w.dtype,
                                   .M = a.d_y.last(),
                                   .N = a.x.last(),
                                   .K = a.x.rows(),
                                   .a = cpu::matrix(a.d_y).transposed(),
                                   .b = cpu::matrix(a.x),
                                   .accumulate = true};
            });
    }
    for (const Layer& l : std::vector<Layer>{{1, s.C, s.V}, {1, s.C, s.F}, {4, s.C, s.V}, {8, s.C, s.V}}) forward(l);
}

void bench_attention(const Bench& bench, const Shapes& s) {
    const Ops& ops = bench.ops;
    const DType t = bench.dtype, sum = accumulator_of(t);
    const int64_t row = (s.H + 2 * s.G) * s.D, y_row = s.H * s.D, T = s.T;
    const std::string shape = text(s, {1, T, s.H, s.G, s.D});
    const double scale = 1 / std::sqrt(double(s.D));
    const auto lo = [&](Tensors& m) { return m.integers({1, T}, [](int64_t) { return 0; }); };
    const auto hi = [&](Tensors& m) { return m.integers({1, T}, [](int64_t u) { return u + 1; }); };
    const auto forward = [&](Tensors& m) {
        const auto qkv = packed_heads(m.uniform(t, {T, row}), s.H, s.G, s.D);
        return AttentionForward{.y = m.uniform(t, {T, y_row}),
                                .lse = m.uniform(sum, {1, s.H, T}),
                                .q = qkv.q,
                                .k = qkv.k,
                                .v = qkv.v,
                                .lo = lo(m),
                                .hi = hi(m),
                                .B = 1,
                                .Tq = s.T,
                                .Tk = s.T,
                                .H = s.H,
                                .G = s.G,
                                .D = s.D,
                                .scale = scale};
    };
    bench.op<AttentionForward>("attention_forward", shape, ops.attention_forward, forward);
    bench.op<AttentionBackward>("attention_backward", shape, ops.attention_backward, [&](Tensors& m) {
        const AttentionForward f = forward(m);
        ops.attention_forward(f, {});
        const auto [d_q, d_k, d_v] = packed_heads(m.uniform(t, {T, row}), s.H, s.G, s.D);
        return AttentionBackward{.d_q = d_q,
                                 .d_k = d_k,
                                 .d_v = d_v,
                                 .delta = m.uniform(sum, {1, s.H, T}),
                                 .d_y = m.uniform(t, {T, y_row}),
                                 .q = f.q,
                                 .k = f.k,
                                 .v = f.v,
                                 .y = f.y,
                                 .lse = f.lse,
                                 .lo = f.lo,
                                 .hi = f.hi,
                                 .B = 1,
                                 .Tq = s.T,
                                 .Tk = s.T,
                                 .H = s.H,
                                 .G = s.G,
                                 .D = s.D,
                                 .scale = scale};
    });
    if (bench.wanted("attention_cached")) {
        Tensors m(ops);
        const auto [q, k, v] = packed_heads(m.uniform(t, {1, row}), s.H, s.G, s.D);
        const AttentionCached a = {.y = m.uniform(t, {1, y_row}),
                                   .k_cache = m.uniform(t, {1, s.G, T, s.D}),
                                   .v_cache = m.uniform(t, {1, s.G, T, s.D}),
                                   .q = q,
                                   .k = k,
                                   .v = v,
                                   .sequence = m.integers({1}, [](int64_t) { return 0; }),
                                   .position = m.integers({1}, [&](int64_t) { return T - 1; }),
                                   .lo = m.integers({1}, [](int64_t) { return 0; }),
                                   .H = s.H,
                                   .G = s.G,
                                   .D = s.D,
                                   .scale = scale};
        const Cost reads = {double(a.k_cache.bytes() + a.v_cache.bytes()), 4.0 * s.H * double(T) * s.D};
        bench.measure({"attention_cached", shape, t, reads, [&] { ops.attention_cached(a, {}); }});
    }
    bench.op<Rope>("rope_forward", shape, ops.rope_forward, [&](Tensors& m) {
        return Rope{.x = m.uniform(t, {T, row}),
                    .positions = m.integers({T}, [](int64_t n) { return n; }),
                    .rope_table = m.uniform(sum, {T, s.D / 2, 2}),
                    .heads = s.H + s.G,
                    .D = s.D};
    });
}

void bench_rows(const Bench& bench, const Shapes& s) {
    const Ops& ops = bench.ops;
    const DType t = bench.dtype, sum = accumulator_of(t);
    const int64_t N = s.N, C = s.C, F = s.F;
    const std::string shape = text(s, {N, C}), wide = text(s, {N, F});
    const auto x = [&](Tensors& m) { return m.uniform(t, {N, C}); };
    const auto statistic = [&](Tensors& m) { return m.uniform(sum, {N}, 0.5, 1.5); };
    bench.op<LayerNormForward>("layernorm_forward", shape, ops.layernorm_forward, [&](Tensors& m) {
        return LayerNormForward{.y = x(m),
                                .mean = statistic(m),
                                .rstd = statistic(m),
                                .x = x(m),
                                .gain = m.uniform(t, {C}),
                                .bias = m.uniform(t, {C})};
    });
    bench.op<AddLayerNormForward>("add_layernorm_forward", shape, ops.add_layernorm_forward, [&](Tensors& m) {
        return AddLayerNormForward{.y = x(m),
                                   .x = x(m),
                                   .mean = statistic(m),
                                   .rstd = statistic(m),
                                   .a = x(m),
                                   .b = x(m),
                                   .gain = m.uniform(t, {C}),
                                   .bias = m.uniform(t, {C})};
    });
    bench.op<LayerNormBackward>("layernorm_backward", shape, ops.layernorm_backward, [&](Tensors& m) {
        return LayerNormBackward{.d_x = x(m),
                                 .d_gain = m.uniform(sum, {C}),
                                 .d_bias = m.uniform(sum, {C}),
                                 .d_y = x(m),
                                 .d_residual = x(m),
                                 .x = x(m),
                                 .gain = m.uniform(t, {C}),
                                 .mean = statistic(m),
                                 .rstd = statistic(m)};
    });
    bench.op<RmsNormForward>("rmsnorm_forward", shape, ops.rmsnorm_forward, [&](Tensors& m) {
        return RmsNormForward{.y = x(m), .rstd = statistic(m), .x = x(m), .gain = m.uniform(t, {C})};
    });
    bench.op<AddRmsNormForward>("add_rmsnorm_forward", shape, ops.add_rmsnorm_forward, [&](Tensors& m) {
        return AddRmsNormForward{
            .y = x(m), .x = x(m), .rstd = statistic(m), .a = x(m), .b = x(m), .gain = m.uniform(t, {C})};
    });
    bench.op<RmsNormBackward>("rmsnorm_backward", shape, ops.rmsnorm_backward, [&](Tensors& m) {
        return RmsNormBackward{.d_x = x(m),
                               .d_gain = m.uniform(sum, {C}),
                               .d_y = x(m),
                               .d_residual = x(m),
                               .x = x(m),
                               .gain = m.uniform(t, {C}),
                               .rstd = statistic(m)};
    });
    for (const auto& [kind, name] : {std::pair{Activation::gelu_tanh, "gelu"}, {Activation::silu, "silu"}}) {
        const std::string of = std::string(" ") + name;
        bench.op<ActivationForward>("activation_forward" + of, wide, ops.activation_forward, [&, k = kind](Tensors& m) {
            return ActivationForward{.y = m.uniform(t, {N, F}), .x = m.uniform(t, {N, F}, -4, 4), .kind = k};
        });
        bench.op<ActivationBackward>("activation_backward" + of, wide, ops.activation_backward,
                                     [&, k = kind](Tensors& m) {
                                         return ActivationBackward{.d_x = m.uniform(t, {N, F}),
                                                                   .d_y = m.uniform(t, {N, F}),
                                                                   .x = m.uniform(t, {N, F}, -4, 4),
                                                                   .kind = k};
                                     });
        bench.op<GatedForward>("gated_forward" + of, wide, ops.gated_forward, [&, k = kind](Tensors& m) {
            return GatedForward{.y = m.uniform(t, {N, F}), .x = m.uniform(t, {N, 2 * F}, -4, 4), .kind = k};
        });
        bench.op<GatedBackward>("gated_backward" + of, wide, ops.gated_backward, [&, k = kind](Tensors& m) {
            return GatedBackward{.d_x = m.uniform(t, {N, 2 * F}),
                                 .d_y = m.uniform(t, {N, F}),
                                 .x = m.uniform(t, {N, 2 * F}, -4, 4),
                                 .kind = k};
        });
    }
    bench.op<Dropout>("dropout", shape, ops.dropout, [&](Tensors& m) {
        return Dropout{.y = x(m), .x = x(m), .p = 0.1, .key = m.value(uint64_t(7)), .first_row = 0};
    });
    bench.op<Add>("add", shape, ops.add, [&](Tensors& m) { return Add{.y = x(m), .a = x(m), .b = x(m)}; });
    bench.op<Cast>("cast", wide, ops.cast, [&](Tensors& m) {
        return Cast{.y = m.uniform(t == DType::f32 ? DType::bf16 : DType::f32, {N, F}), .x = m.uniform(t, {N, F})};
    });
}

void bench_ends(const Bench& bench, const Shapes& s) {
    const Ops& ops = bench.ops;
    const DType t = bench.dtype, sum = accumulator_of(t);
    const int64_t N = s.N, C = s.C, V = s.V, n = 8 << 20;
    bench.op<EmbeddingForward>("embedding_forward", text(s, {N, V, C}), ops.embedding_forward, [&](Tensors& m) {
        return EmbeddingForward{.y = m.uniform(t, {N, C}), .tokens = m.random_ids(N, V), .wte = m.uniform(t, {V, C})};
    });
    bench.op<EmbeddingBackward>("embedding_backward", text(s, {N, V, C}), ops.embedding_backward, [&](Tensors& m) {
        return EmbeddingBackward{
            .d_wte = m.uniform(sum, {V, C}), .d_y = m.uniform(t, {N, C}), .tokens = m.random_ids(N, V)};
    });
    bench.op<CrossEntropyStats>("cross_entropy_stats", text(s, {chunk, V}), ops.cross_entropy_stats, [&](Tensors& m) {
        return CrossEntropyStats{.stats = m.uniform(sum, {chunk, 4}),
                                 .logits = m.uniform(t, {chunk, V}, -4, 4),
                                 .targets = m.random_ids(chunk, V)};
    });
    bench.op<CrossEntropyBackward>("cross_entropy_backward", text(s, {chunk, V}), ops.cross_entropy_backward,
                                   [&](Tensors& m) {
                                       return CrossEntropyBackward{.logits = m.uniform(t, {chunk, V}, -4, 4),
                                                                   .lse = m.uniform(sum, {chunk}, 10, 12),
                                                                   .targets = m.random_ids(chunk, V),
                                                                   .V = V,
                                                                   .step_values = m.value(StepValues{})};
                                   });
    bench.op<SquareSum>("square_sum", text(s, {n}), ops.square_sum, [&](Tensors& m) {
        return SquareSum{.total = m.uniform(DType::f64, {1}),
                         .parts = m.uniform(DType::f64, {square_sum_parts}),
                         .x = m.uniform(sum, {n})};
    });
    for (const uint64_t key : {uint64_t(0), uint64_t(1)}) {
        if (key && t == DType::f32) continue;
        bench.op<AdamW>(key ? "adamw stochastic" : "adamw", text(s, {n}), ops.adamw, [&](Tensors& m) {
            return AdamW{.master = m.uniform(sum, {n}),
                         .m = m.uniform(sum, {n}),
                         .v = m.uniform(sum, {n}, 0, 1),
                         .param = t == DType::bf16 ? Opt(m.uniform(t, {n})) : Opt(),
                         .grad = m.uniform(sum, {n}),
                         .step_values = m.value(StepValues{.lr = 1e-3,
                                                           .correction1 = bias_correction(0.9, 10),
                                                           .correction2 = bias_correction(0.95, 10),
                                                           .rounding_key = key}),
                         .beta1 = 0.9,
                         .beta2 = 0.95,
                         .eps = 1e-8,
                         .decay = 0.1};
        });
    }
    std::vector<MuonMatrix> one;
    bench.op<Muon>("muon", text(s, {C, C}), ops.muon, [&](Tensors& m) {
        one.push_back({.master = m.uniform(sum, {C, C}),
                       .m = m.uniform(sum, {C, C}),
                       .param = t == DType::bf16 ? Opt(m.uniform(t, {C, C})) : Opt(),
                       .grad = m.uniform(sum, {C, C})});
        return Muon{.matrices = one,
                    .workspace = m.uniform(sum, {muon_workspace(C, C)}),
                    .step_values = m.value(StepValues{.lr = 1e-3}),
                    .beta = 0.95,
                    .decay = 0.1};
    });
}

}  // namespace

void each_op_benchmark(const BenchOpsOptions& options, const Ops& ops,
                       const std::function<void(const OpBenchmark&)>& measure) {
    Arena room(ops, "benchmarks");
    Tensor matmul_workspace;
    room.declare_matmul_workspace(matmul_workspace);
    room.allocate();
    const Stream stream = Stream{}.with(matmul_workspace);
    for (const Shapes& s : {gpt2, llama})
        for (DType dtype : {DType::f32, DType::bf16}) {
            if (!options.dtype.empty() && options.dtype != name_of(dtype)) continue;
            const Bench bench = {options, ops, measure, dtype, stream};
            bench_linears(bench, s);
            bench_attention(bench, s);
            bench_rows(bench, s);
            bench_ends(bench, s);
        }
}

}  // namespace gradus
