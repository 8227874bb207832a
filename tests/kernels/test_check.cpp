// Broken promises about arguments, and the sentences they are refused with: kernels/check.h.
#include <catch2/catch.hpp>

#include <functional>

#include "kernels/check.h"
#include "kernels/every_op.h"
#include "tests/kernels/harness.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int N = 6, C = 8, B = 2, T = 3, H = 4, G = 2, D = 2, O = 5, V = 7, P = 4, S = 3, R = 1;

// Memory for arguments that keep every promise; nothing is computed, so nobody reads it.
struct Desk {
    std::vector<Owned> owned;

    Tensor give(DType t, const Shape& shape) { return owned.emplace_back(t, shape); }
    Tensor f(const Shape& shape) { return give(DType::f32, shape); }
    Tensor d(const Shape& shape) { return give(DType::f64, shape); }
    Tensor i(const Shape& shape) { return give(DType::i32, shape); }
};

template <class Args>
struct Field {
    const char* name;
    std::function<Tensor&(Args&)> of;
    bool optional = false;
};
#define FIELD(Args, name)                                             \
    Field<Args> {                                                     \
#name, [](Args & in_call) -> Tensor& { return in_call.name; } \
    }
#define OPTIONAL(Args, name)                                                \
    Field<Args> {                                                           \
#name, [](Args & in_call) -> Tensor& { return in_call.name; }, true \
    }

template <class Args>
void refuses(Args a, const std::function<void(Args&)>& spoil, const std::string& sentence) {
    spoil(a);
    REQUIRE_THROWS_AS(check(a), InternalError);
    REQUIRE_THROWS_WITH(check(a), Catch::Contains(sentence));
}

// Good arguments pass; each field with another shape, another dtype or no memory is refused by its name.
template <class Args>
void names_every_field(const Args& good, const std::string& op, const std::vector<Field<Args>>& fields) {
    REQUIRE_NOTHROW(check(good));
    for (const Field<Args>& field : fields) {
        const std::string named = op + ": " + field.name;
        refuses<Args>(
            good,
            [&](Args& a) {
                Shape& s = field.of(a).shape;
                s.dim[size_t(s.rank == 4 ? 3 : s.rank++)] = 9;
            },
            named + " has shape");
        refuses<Args>(
            good,
            [&](Args& a) {
                DType& t = field.of(a).dtype;
                t = t == DType::i32 ? DType::f32 : DType::i32;
            },
            named + " is ");
        if (!field.optional)
            refuses<Args>(
                good, [&](Args& a) { field.of(a).data = nullptr; }, named + " has no memory");
    }
}

AdamW adamw(Desk& k) {
    return {.master = k.f({N}),
            .m = k.f({N}),
            .v = k.f({N}),
            .param = k.give(DType::bf16, {N}),
            .grad = k.f({N}),
            .scale = k.d({1}),
            .lr = 1e-3,
            .beta1 = 0.9,
            .beta2 = 0.95,
            .eps = 1e-8,
            .decay = 0.1,
            .step = 1};
}

AttentionForward attention(Desk& k) {
    return {.y = k.f({N, H * D}),
            .lse = k.f({B, H, T}),
            .qkv = k.f({N, (H + 2 * G) * D}),
            .lo = k.i({B, T}),
            .hi = k.i({B, T}),
            .B = B,
            .T = T,
            .H = H,
            .G = G,
            .D = D,
            .scale = 0.7};
}

CrossEntropyBackward cross_entropy_backward(Desk& k) {
    return {.logits = k.f({N, V}), .lse = k.f({N}), .targets = k.i({N}), .coefficient = k.f({N}), .V = V, .scale = 1};
}

}  // namespace

TEST_CASE("embedding names every field that breaks a promise") {
    Desk k;
    using A = EmbeddingForward;
    const A a = {.y = k.f({N, C}), .tokens = k.i({N}), .wte = k.f({V, C}), .positions = k.i({N}), .wpe = k.f({P, C})};
    names_every_field(a, "embedding_forward",
                      {FIELD(A, y), FIELD(A, tokens), FIELD(A, wte), OPTIONAL(A, positions), OPTIONAL(A, wpe)});
    refuses<A>(
        a, [](A& x) { x.wpe = {}; }, "positions is given without wpe");
    refuses<A>(
        a, [](A& x) { x.positions = {}; }, "positions is missing beside wpe");

    using Backward = EmbeddingBackward;
    const Backward b = {
        .d_wte = k.f({V, C}), .d_wpe = k.f({P, C}), .d_y = k.f({N, C}), .tokens = k.i({N}), .positions = k.i({N})};
    names_every_field(b, "embedding_backward",
                      {FIELD(Backward, d_wte), OPTIONAL(Backward, d_wpe), FIELD(Backward, d_y), FIELD(Backward, tokens),
                       OPTIONAL(Backward, positions)});
}

TEST_CASE("layernorm names every field that breaks a promise") {
    Desk k;
    using F = LayerNormForward;
    const F f = {
        .y = k.f({N, C}), .mean = k.f({N}), .rstd = k.f({N}), .x = k.f({N, C}), .gain = k.f({C}), .bias = k.f({C})};
    names_every_field(f, "layernorm_forward",
                      {FIELD(F, y), FIELD(F, mean), FIELD(F, rstd), FIELD(F, x), FIELD(F, gain), OPTIONAL(F, bias)});
    refuses<F>(
        f, [](F& a) { a.eps = -1; }, "eps is -1, must be at least 0");
    refuses<F>(
        f, [](F& a) { a.eps = std::nan(""); }, "eps is nan");

    using A = AddLayerNormForward;
    const A a = {.y = k.f({N, C}),
                 .x = k.f({N, C}),
                 .mean = k.f({N}),
                 .rstd = k.f({N}),
                 .a = k.f({N, C}),
                 .b = k.f({N, C}),
                 .gain = k.f({C}),
                 .bias = k.f({C})};
    names_every_field(a, "add_layernorm_forward",
                      {FIELD(A, y), FIELD(A, x), FIELD(A, mean), FIELD(A, rstd), FIELD(A, a), FIELD(A, b),
                       FIELD(A, gain), OPTIONAL(A, bias)});
    A in_place = a;
    in_place.x = in_place.a;
    REQUIRE_NOTHROW(check(in_place));
    refuses<A>(
        a, [](A& x) { x.x = x.b; }, "x must not alias b");

    using Bw = LayerNormBackward;
    const Bw b = {.d_x = k.f({N, C}),
                  .d_gain = k.f({C}),
                  .d_bias = k.f({C}),
                  .d_y = k.f({N, C}),
                  .d_residual = k.f({N, C}),
                  .x = k.f({N, C}),
                  .gain = k.f({C}),
                  .mean = k.f({N}),
                  .rstd = k.f({N})};
    names_every_field(b, "layernorm_backward",
                      {FIELD(Bw, d_x), FIELD(Bw, d_gain), OPTIONAL(Bw, d_bias), FIELD(Bw, d_y),
                       OPTIONAL(Bw, d_residual), FIELD(Bw, x), FIELD(Bw, gain), FIELD(Bw, mean), FIELD(Bw, rstd)});
    refuses<Bw>(
        b, [](Bw& x) { x.d_x = x.x; }, "d_x must not alias x");
    refuses<Bw>(
        b, [](Bw& x) { x.d_bias = x.d_gain; }, "d_gain must not alias d_bias");
}

TEST_CASE("rmsnorm names every field that breaks a promise") {
    Desk k;
    using F = RmsNormForward;
    const F f = {.y = k.f({N, C}), .rstd = k.f({N}), .x = k.f({N, C}), .gain = k.f({C})};
    names_every_field(f, "rmsnorm_forward", {FIELD(F, y), FIELD(F, rstd), FIELD(F, x), FIELD(F, gain)});

    using A = AddRmsNormForward;
    const A a = {
        .y = k.f({N, C}), .x = k.f({N, C}), .rstd = k.f({N}), .a = k.f({N, C}), .b = k.f({N, C}), .gain = k.f({C})};
    names_every_field(a, "add_rmsnorm_forward",
                      {FIELD(A, y), FIELD(A, x), FIELD(A, rstd), FIELD(A, a), FIELD(A, b), FIELD(A, gain)});
    using Bw = RmsNormBackward;
    const Bw b = {.d_x = k.f({N, C}),
                  .d_gain = k.f({C}),
                  .d_y = k.f({N, C}),
                  .d_residual = k.f({N, C}),
                  .x = k.f({N, C}),
                  .gain = k.f({C}),
                  .rstd = k.f({N})};
    names_every_field(b, "rmsnorm_backward",
                      {FIELD(Bw, d_x), FIELD(Bw, d_gain), FIELD(Bw, d_y), OPTIONAL(Bw, d_residual), FIELD(Bw, x),
                       FIELD(Bw, gain), FIELD(Bw, rstd)});
}

TEST_CASE("linear names every field that breaks a promise") {
    Desk k;
    using F = LinearForward;
    const F f = {.y = k.f({N, O}), .x = k.f({N, C}), .w = k.f({O, C}), .b = k.f({O})};
    names_every_field(f, "linear_forward", {FIELD(F, y), FIELD(F, x), FIELD(F, w), OPTIONAL(F, b)});
    refuses<F>(
        f,
        [](F& a) {
            a.w.shape = {C, O};
        },
        "w has shape [8, 5], must have [O,I] = [5, 8]");
    refuses<F>(
        f, [](F& a) { a.w.dtype = DType::bf16; }, "w is bf16, must be f32");
    refuses<F>(
        f,
        [](F& a) {
            a.x.shape = {N, 0};
        },
        "x has shape [6, 0]: an empty axis");

    using I = LinearBackwardInput;
    const I i = {.d_x = k.f({N, C}), .d_y = k.f({N, O}), .w = k.f({O, C})};
    names_every_field(i, "linear_backward_input", {FIELD(I, d_x), FIELD(I, d_y), FIELD(I, w)});

    using W = LinearBackwardWeight;
    const W w = {.d_w = k.f({O, C}), .d_b = k.f({O}), .d_y = k.f({N, O}), .x = k.f({N, C})};
    names_every_field(w, "linear_backward_weight", {FIELD(W, d_w), OPTIONAL(W, d_b), FIELD(W, d_y), FIELD(W, x)});
}

TEST_CASE("weight gradients and statistics of bf16 are promised in f32") {
    Desk k;
    auto half = [&](const Shape& s) { return k.give(DType::bf16, s); };
    const LinearBackwardWeight w = {.d_w = k.f({O, C}), .d_y = half({N, O}), .x = half({N, C})};
    REQUIRE_NOTHROW(check(w));
    refuses<LinearBackwardWeight>(
        w, [](auto& a) { a.d_w.dtype = DType::bf16; }, "d_w is bf16, must be f32");
    const RmsNormForward f = {.y = half({N, C}), .rstd = k.f({N}), .x = half({N, C}), .gain = half({C})};
    REQUIRE_NOTHROW(check(f));
    refuses<RmsNormForward>(
        f, [](auto& a) { a.rstd.dtype = DType::bf16; }, "rstd is bf16, must be f32");
    refuses<RmsNormForward>(
        f, [](auto& a) { a.gain.dtype = DType::f32; }, "gain is f32, must be bf16");
}

TEST_CASE("rope names every field that breaks a promise") {
    Desk k;
    using A = Rope;
    const A a = {.x = k.f({N, C}), .positions = k.i({N}), .rope_table = k.f({P, R, 2}), .heads = 4, .D = 2};
    names_every_field(a, "rope", {FIELD(A, x), FIELD(A, positions), FIELD(A, rope_table)});
    refuses<A>(
        a, [](A& x) { x.heads = 5; }, "heads·D = 10 channels in rows of x of 8");
    refuses<A>(
        a, [](A& x) { x.heads = 0; }, "heads is 0, must be at least 1");
    refuses<A>(
        a, [](A& x) { x.D = 1; }, "2·R must not be above D = 1");
}

TEST_CASE("attention names every field that breaks a promise") {
    Desk k;
    using F = AttentionForward;
    const F f = attention(k);
    names_every_field(f, "attention_forward", {FIELD(F, y), FIELD(F, lse), FIELD(F, qkv), FIELD(F, lo), FIELD(F, hi)});
    refuses<F>(
        f, [](F& a) { a.G = 3; }, "H = 4 is no multiple of G = 3");
    refuses<F>(
        f, [](F& a) { a.G = 0; }, "G is 0, must be at least 1");
    refuses<F>(
        f, [](F& a) { a.T = -1; }, "T is -1, must be at least 1");
    refuses<F>(
        f, [](F& a) { a.scale = INFINITY; }, "scale is inf, must be finite");
    refuses<F>(
        f, [](F& a) { a.y.data = a.qkv.data; }, "y must not alias qkv");

    using Bw = AttentionBackward;
    const Bw b = {.d_qkv = k.f({N, (H + 2 * G) * D}),
                  .delta = k.f({B, H, T}),
                  .d_y = k.f({N, H * D}),
                  .qkv = k.f({N, (H + 2 * G) * D}),
                  .y = k.f({N, H * D}),
                  .lse = k.f({B, H, T}),
                  .lo = k.i({B, T}),
                  .hi = k.i({B, T}),
                  .B = B,
                  .T = T,
                  .H = H,
                  .G = G,
                  .D = D,
                  .scale = 0.7};
    names_every_field(b, "attention_backward",
                      {FIELD(Bw, d_qkv), FIELD(Bw, delta), FIELD(Bw, d_y), FIELD(Bw, qkv), FIELD(Bw, y), FIELD(Bw, lse),
                       FIELD(Bw, lo), FIELD(Bw, hi)});
    using A = AttentionCached;
    const A a = {.y = k.f({N, H * D}),
                 .k_cache = k.f({S, G, P, D}),
                 .v_cache = k.f({S, G, P, D}),
                 .qkv = k.f({N, (H + 2 * G) * D}),
                 .sequence = k.i({N}),
                 .position = k.i({N}),
                 .lo = k.i({N}),
                 .H = H,
                 .G = G,
                 .D = D,
                 .scale = 0.7};
    names_every_field(a, "attention_cached",
                      {FIELD(A, y), FIELD(A, k_cache), FIELD(A, v_cache), FIELD(A, qkv), FIELD(A, sequence),
                       FIELD(A, position), FIELD(A, lo)});
}

TEST_CASE("activations name every field that breaks a promise") {
    Desk k;
    using F = ActivationForward;
    names_every_field(F{.y = k.f({N, C}), .x = k.f({N, C}), .kind = Activation::silu}, "activation_forward",
                      {FIELD(F, y), FIELD(F, x)});
    using Bw = ActivationBackward;
    const Bw b = {.d_x = k.f({N, C}), .d_y = k.f({N, C}), .x = k.f({N, C}), .kind = Activation::silu};
    names_every_field(b, "activation_backward", {FIELD(Bw, d_x), FIELD(Bw, d_y), FIELD(Bw, x)});
    refuses<Bw>(
        b, [](Bw& a) { a.d_x = a.x; }, "d_x must not alias x");

    using GF = GatedForward;
    const GF g = {.y = k.f({N, C}), .x = k.f({N, 2 * C}), .kind = Activation::silu};
    names_every_field(g, "gated_forward", {FIELD(GF, y), FIELD(GF, x)});
    refuses<GF>(
        g,
        [](GF& a) {
            a.x.shape = {N, C};
        },
        "x has shape [6, 8], must have [N,2F] = [6, 16]");
    using GB = GatedBackward;
    names_every_field(GB{.d_x = k.f({N, 2 * C}), .d_y = k.f({N, C}), .x = k.f({N, 2 * C}), .kind = Activation::silu},
                      "gated_backward", {FIELD(GB, d_x), FIELD(GB, d_y), FIELD(GB, x)});
}

TEST_CASE("dropout names every field that breaks a promise") {
    Desk k;
    using A = Dropout;
    const A a = {.y = k.f({N, C}), .x = k.f({N, C}), .p = 0.1, .key = 1, .first_row = 0};
    names_every_field(a, "dropout", {FIELD(A, y), FIELD(A, x)});
    for (double p : {1.0, -0.1, double(NAN)})
        refuses<A>(
            a, [p](A& x) { x.p = p; }, "must be in [0, 1)");
    refuses<A>(
        a, [](A& x) { x.first_row = -1; }, "first_row is -1, must be at least 0");
    refuses<A>(
        a, [](A& x) { x.y.data = const_cast<float*>(x.x.as<float>()) + 1; }, "y overlaps a part of x");
}

TEST_CASE("cross-entropy names every field that breaks a promise") {
    Desk k;
    using St = CrossEntropyStats;
    const St s = {.stats = k.f({N, 4}), .logits = k.f({N, V}), .targets = k.i({N})};
    names_every_field(s, "cross_entropy_stats", {FIELD(St, stats), FIELD(St, logits), FIELD(St, targets)});
    refuses<St>(
        s, [](St& a) { a.vocab_offset = -1; }, "vocab_offset is -1");

    using F = CrossEntropyForward;
    const F f = {
        .loss = k.f({N}), .lse = k.f({N}), .log_prob = k.f({N}), .stats = k.f({N, 4}), .targets = k.i({N}), .V = V};
    names_every_field(f, "cross_entropy_forward",
                      {FIELD(F, loss), FIELD(F, lse), OPTIONAL(F, log_prob), FIELD(F, stats), FIELD(F, targets)});
    refuses<F>(
        f, [](F& a) { a.log_prob = a.lse; }, "lse must not alias log_prob");
    refuses<F>(
        f, [](F& a) { a.smoothing = 1; }, "smoothing is 1, must be in [0, 1)");
    refuses<F>(
        f, [](F& a) { a.z_loss = -1e-4; }, "z_loss is -0.0001, must be at least 0");
    refuses<F>(
        f, [](F& a) { a.V = 0; }, "V is 0");

    using Bw = CrossEntropyBackward;
    const Bw b = cross_entropy_backward(k);
    names_every_field(b, "cross_entropy_backward",
                      {FIELD(Bw, logits), FIELD(Bw, lse), FIELD(Bw, targets), OPTIONAL(Bw, coefficient)});
    for (double temperature : {0.0, -1.0, double(NAN), double(INFINITY)}) {
        refuses<Bw>(
            b, [=](Bw& a) { a.temperature = temperature; }, "must be above 0");
        refuses<St>(
            s, [=](St& a) { a.temperature = temperature; }, "must be above 0");
    }
    refuses<Bw>(
        b, [](Bw& a) { a.logits.data = a.coefficient.data; }, "logits must not alias coefficient");
    refuses<Bw>(
        b, [](Bw& a) { a.vocab_offset = 1; }, "from vocab_offset 1, past V = 7");
    refuses<Bw>(
        b, [](Bw& a) { a.scale = NAN; }, "scale is nan");
}

TEST_CASE("add and cast name every field that breaks a promise") {
    Desk k;
    const Add a = {.y = k.f({N, C}), .a = k.f({N, C}), .b = k.f({N, C})};
    names_every_field(a, "add", {FIELD(Add, a), FIELD(Add, b)});
    refuses<Add>(
        a, [](Add& x) { x.y.data = nullptr; }, "add: y has no memory");
    const Cast c = {.y = k.give(DType::bf16, {N}), .x = k.f({N})};
    names_every_field(c, "cast", {FIELD(Cast, x)});
    refuses<Cast>(
        c, [](Cast& x) { x.y.dtype = DType::c128; }, "y is c128, must be f32 or bf16 or f64");
    refuses<Cast>(
        c, [](Cast& x) { x.y.data = x.x.data; }, "y must not alias x");
}

TEST_CASE("the optimizer's ops name every field that breaks a promise") {
    Desk k;
    using Sq = SquareSum;
    const Sq s = {.total = k.d({1}), .parts = k.d({square_sum_parts}), .x = k.f({N})};
    names_every_field(s, "square_sum", {FIELD(Sq, total), FIELD(Sq, parts)});
    refuses<Sq>(
        s, [](Sq& a) { a.x.dtype = DType::i32; }, "x is i32");
    using Cl = ClipScale;
    const Cl c = {.scale = k.d({1}), .total = k.d({1}), .max_norm = 1};
    names_every_field(c, "clip_scale", {FIELD(Cl, scale), FIELD(Cl, total)});
    refuses<Cl>(
        c, [](Cl& a) { a.max_norm = NAN; }, "max_norm is nan");

    using A = AdamW;
    const A a = adamw(k);
    names_every_field(
        a, "adamw",
        {FIELD(A, master), FIELD(A, m), FIELD(A, v), OPTIONAL(A, param), FIELD(A, grad), OPTIONAL(A, scale)});
    refuses<A>(
        a, [](A& x) { x.master.dtype = DType::bf16; }, "master is bf16, must be f32 or f64");
    refuses<A>(
        a, [](A& x) { x.step = 0; }, "step is 0, must be at least 1");
    refuses<A>(
        a, [](A& x) { x.beta1 = 1; }, "beta1 is 1, must be in [0, 1)");
    refuses<A>(
        a, [](A& x) { x.beta2 = -0.5; }, "beta2 is -0.5, must be in [0, 1)");
    refuses<A>(
        a, [](A& x) { x.lr = INFINITY; }, "lr is inf, must be at least 0");
    refuses<A>(
        a, [](A& x) { x.first = -1; }, "first is -1, must be at least 0");
    refuses<A>(
        a, [](A& x) { x.m = x.v; }, "m must not alias v");
    refuses<A>(
        a, [](A& x) { x.grad = x.master; }, "master must not alias grad");
}

TEST_CASE("muon names every field that breaks a promise") {
    Desk k;
    const MuonMatrix good = {
        .master = k.f({O, C}), .m = k.f({O, C}), .param = k.give(DType::bf16, {O, C}), .grad = k.f({O, C})};
    std::vector<MuonMatrix> list = {good, {.master = k.f({C, O}), .m = k.f({C, O}), .grad = k.f({C, O})}};
    using A = Muon;
    const A a = {.matrices = list,
                 .scale = k.d({1}),
                 .workspace = k.f({muon_workspace(O, C)}),
                 .lr = 0.1,
                 .beta = 0.9,
                 .decay = 0.1};
    names_every_field(a, "muon", {OPTIONAL(A, scale), FIELD(A, workspace)});
    refuses<A>(
        a, [](A& x) { x.workspace.shape = {8}; },
        "workspace has shape [8], must have [muon_workspace(matrices)] = [130]");
    refuses<A>(
        a, [](A& x) { x.beta = 1; }, "beta is 1, must be in [0, 1)");
    auto refuses_matrix = [&](auto&& change, const std::string& complaint) {
        list[0] = good;
        change(list[0]);
        refuses<A>(
            a, [](A&) {}, complaint);
        list[0] = good;
    };
    using M = MuonMatrix;
    refuses_matrix([&](M& x) { x.master = k.d({O, C}); }, "master");
    refuses_matrix([&](M& x) { x.m = k.f({C, O}); }, "m has shape");
    refuses_matrix([&](M& x) { x.param = k.f({O, C}); }, "param");
    refuses_matrix([&](M& x) { x.grad = k.f({O, O}); }, "grad has shape");
    refuses_matrix([](M& x) { x.m = x.master; }, "master must not alias m");
    refuses_matrix([](M& x) { x.grad = x.master; }, "master must not alias grad");
    refuses_matrix([](M& x) { x.master.shape = {}; }, "master has shape []");
    list.push_back(good);
    refuses<A>(
        a, [&](A& x) { x.matrices = list; }, "master must not alias another master");
}

TEST_CASE("a table checks before it computes, and a call of no rows is fine") {
    Desk k;
    const Ops& ops = reference_ops();
    REQUIRE_THROWS_AS(ops.add({.y = k.f({N}), .a = k.f({N}), .b = k.f({C})}, {}), InternalError);
    const Tensor none = {nullptr, DType::f32, {0, C}};
    REQUIRE_NOTHROW(ops.dropout({.y = none, .x = none, .p = 0.5, .key = 1, .first_row = 0}, {}));
}
