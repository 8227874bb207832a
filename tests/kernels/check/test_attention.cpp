#include "tests/kernels/check/argument_checks.h"

using namespace gradus;
using namespace gradus::test;
using namespace gradus::test::argument_checks;

namespace {

AttentionForward attention(TensorPool& k) {
    return {.y = k.f({N, H * D}),
            .lse = k.f({B, H, T}),
            .q = k.f({N, H * D}),
            .k = k.f({B * keys, G * D}),
            .v = k.f({B * keys, G * D}),
            .lo = k.i({B, T}),
            .hi = k.i({B, T}),
            .B = B,
            .Tq = T,
            .Tk = keys,
            .H = H,
            .G = G,
            .D = D,
            .scale = 0.7};
}

AttentionBackward attention_backward(TensorPool& k, const PackedHeads& in, const PackedHeads& d_in, int Tk) {
    return {.d_q = d_in.q,
            .d_k = d_in.k,
            .d_v = d_in.v,
            .delta = k.f({B, H, T}),
            .d_y = k.f({N, H * D}),
            .q = in.q,
            .k = in.k,
            .v = in.v,
            .y = k.f({N, H * D}),
            .lse = k.f({B, H, T}),
            .lo = k.i({B, T}),
            .hi = k.i({B, T}),
            .B = B,
            .Tq = T,
            .Tk = Tk,
            .H = H,
            .G = G,
            .D = D,
            .scale = 0.7};
}

}  // namespace

TEST_CASE("the checks of rope name every invalid argument") {
    TensorPool k;
    using A = Rope;
    const A a = {.x = k.f({N, C}), .positions = k.i({N}), .rope_table = k.f({P, R, 2}), .heads = 4, .D = 2};
    rejects_every_field(a, "rope", {FIELD(A, x), FIELD(A, positions), FIELD(A, rope_table)});
    rejects<A>(
        a, [](A& x) { x.heads = 5; }, "heads·D = 10 channels in rows of x of 8");
    rejects<A>(
        a, [](A& x) { x.heads = 0; }, "heads is 0, must be at least 1");
    rejects<A>(
        a, [](A& x) { x.D = 1; }, "2·R must not be above D = 1");
}

TEST_CASE("the checks of attention name every invalid argument") {
    TensorPool k;
    using F = AttentionForward;
    const F f = attention(k);
    rejects_every_field(
        f, "attention_forward",
        {FIELD(F, y), FIELD(F, lse), FIELD(F, q), FIELD(F, k), FIELD(F, v), FIELD(F, lo), FIELD(F, hi)});
    rejects<F>(
        f, [](F& a) { a.G = 3; }, "H = 4 is not a multiple of G = 3");
    rejects<F>(
        f, [](F& a) { a.G = 0; }, "G is 0, must be at least 1");
    rejects<F>(
        f, [](F& a) { a.Tq = -1; }, "Tq is -1, must be at least 1");
    rejects<F>(
        f, [](F& a) { a.Tk = 0; }, "Tk is 0, must be at least 1");
    rejects<F>(
        f, [](F& a) { a.scale = INFINITY; }, "scale is inf, must be finite");
    rejects<F>(
        f, [](F& a) { a.y.data = a.q.data; }, "y must not alias q");

    using Bw = AttentionBackward;
    const auto heads = [&] { return PackedHeads{k.f({N, H * D}), k.f({B * keys, G * D}), k.f({B * keys, G * D})}; };
    const Bw b = attention_backward(k, heads(), heads(), keys);
    rejects_every_field(b, "attention_backward",
                        {FIELD(Bw, d_q), FIELD(Bw, d_k), FIELD(Bw, d_v), FIELD(Bw, delta), FIELD(Bw, d_y), FIELD(Bw, q),
                         FIELD(Bw, k), FIELD(Bw, v), FIELD(Bw, y), FIELD(Bw, lse), FIELD(Bw, lo), FIELD(Bw, hi)});
    using A = AttentionCached;
    const A a = {.y = k.f({N, H * D}),
                 .k_cache = k.f({S, G, P, D}),
                 .v_cache = k.f({S, G, P, D}),
                 .q = k.f({N, H * D}),
                 .k = k.f({N, G * D}),
                 .v = k.f({N, G * D}),
                 .sequence = k.i({N}),
                 .position = k.i({N}),
                 .lo = k.i({N}),
                 .H = H,
                 .G = G,
                 .D = D,
                 .scale = 0.7};
    rejects_every_field(a, "attention_cached",
                        {FIELD(A, y), FIELD(A, k_cache), FIELD(A, v_cache), FIELD(A, q), FIELD(A, k), FIELD(A, v),
                         FIELD(A, sequence), FIELD(A, position), FIELD(A, lo)});
}

TEST_CASE("the checks of attention name every invalid score function") {
    TensorPool k;
    using F = AttentionForward;
    const auto with = [](const AttentionScore& score) { return [=](F& a) { a.score = score; }; };
    const F f = attention(k);
    for (const auto& [cap, text] :
         std::vector<std::pair<double, std::string>>{{0, "0"}, {-1, "-1"}, {INFINITY, "inf"}, {NAN, "nan"}})
        rejects<F>(f, with(SoftCap{cap}), "score.cap is " + text + ", must be finite and above 0");
    rejects<F>(f, with(Alibi{k.f({H + 1})}), "score.slopes has shape [5], must have [H] = [4]");
    rejects<F>(f, with(Alibi{k.i({H})}), "score.slopes is i32");
    rejects<F>(f, with(RelativeBias{k.f({H, 6})}), "score.bias has 6 columns, must have an odd number");
    rejects<F>(f, with(RelativeBias{k.f({H + 1, 7})}), "score.bias has shape [5, 7], must have [H, 2M+1] = [4, 7]");
    rejects<F>(f, with(RelativeBias{k.f({7})}), "score.bias has shape [7]");

    using Bw = AttentionBackward;
    const auto heads = [&] { return PackedHeads{k.f({N, H * D}), k.f({B * keys, G * D}), k.f({B * keys, G * D})}; };
    Bw b = attention_backward(k, heads(), heads(), keys);
    b.score = RelativeBias{k.f({H, 7})};
    b.d_bias = k.f({H, 7});
    REQUIRE_NOTHROW(check(b));
    rejects<Bw>(
        b,
        [&](Bw& a) {
            a.d_bias = k.f({H, 5});
        },
        "d_bias has shape [4, 5], must have [H, 2M+1] = [4, 7]");
    rejects<Bw>(
        b, [&](Bw& a) { a.score = SoftCap{5}; }, "d_bias is given without a relative bias");
    rejects<Bw>(
        b, [&](Bw& a) { a.d_bias = tensor_of(a.score); }, "d_bias must not alias the tensor of score");
}

TEST_CASE("gradients of attention may be interleaved in one tensor, but must not share elements") {
    TensorPool k;
    using Bw = AttentionBackward;
    const Tensor qkv = k.f({N, (H + 2 * G) * D}), d_qkv = k.f({N, (H + 2 * G) * D});
    const PackedHeads in = packed_heads(qkv, H, G, D), d_in = packed_heads(d_qkv, H, G, D);
    const Bw b = attention_backward(k, in, d_in, T);
    REQUIRE_NOTHROW(check(b));
    rejects<Bw>(
        b, [&](Bw& a) { a.d_v = d_qkv.columns((H + G) * D - 1, G * D); }, "d_k must not alias d_v");
    rejects<Bw>(
        b, [&](Bw& a) { a.d_k = d_qkv.columns(H * D - 1, G * D); }, "d_q must not alias d_k");
    rejects<Bw>(
        b, [&](Bw& a) { a.d_k = a.k; }, "d_k must not alias k");
    rejects<Bw>(
        b, [&](Bw& a) { a.d_q.row_stride = H * D - 1; }, "d_q has rows of 8 elements 7 apart");
    rejects<Bw>(
        b, [&](Bw& a) { a.d_y.row_stride = H * D + 1; }, "d_y has rows of 8 elements 9 apart, must be contiguous");
}
