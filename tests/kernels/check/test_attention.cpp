#include "tests/kernels/check/promises.h"

using namespace gradus;
using namespace gradus::test;
using namespace gradus::test::promises;

namespace {

AttentionForward attention(Desk& k) {
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

}  // namespace

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
    names_every_field(f, "attention_forward",
                      {FIELD(F, y), FIELD(F, lse), FIELD(F, q), FIELD(F, k), FIELD(F, v), FIELD(F, lo), FIELD(F, hi)});
    refuses<F>(
        f, [](F& a) { a.G = 3; }, "H = 4 is no multiple of G = 3");
    refuses<F>(
        f, [](F& a) { a.G = 0; }, "G is 0, must be at least 1");
    refuses<F>(
        f, [](F& a) { a.Tq = -1; }, "Tq is -1, must be at least 1");
    refuses<F>(
        f, [](F& a) { a.Tk = 0; }, "Tk is 0, must be at least 1");
    refuses<F>(
        f, [](F& a) { a.scale = INFINITY; }, "scale is inf, must be finite");
    refuses<F>(
        f, [](F& a) { a.y.data = a.q.data; }, "y must not alias q");

    using Bw = AttentionBackward;
    const Bw b = {.d_q = k.f({N, H * D}),
                  .d_k = k.f({B * keys, G * D}),
                  .d_v = k.f({B * keys, G * D}),
                  .delta = k.f({B, H, T}),
                  .d_y = k.f({N, H * D}),
                  .q = k.f({N, H * D}),
                  .k = k.f({B * keys, G * D}),
                  .v = k.f({B * keys, G * D}),
                  .y = k.f({N, H * D}),
                  .lse = k.f({B, H, T}),
                  .lo = k.i({B, T}),
                  .hi = k.i({B, T}),
                  .B = B,
                  .Tq = T,
                  .Tk = keys,
                  .H = H,
                  .G = G,
                  .D = D,
                  .scale = 0.7};
    names_every_field(b, "attention_backward",
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
    names_every_field(a, "attention_cached",
                      {FIELD(A, y), FIELD(A, k_cache), FIELD(A, v_cache), FIELD(A, q), FIELD(A, k), FIELD(A, v),
                       FIELD(A, sequence), FIELD(A, position), FIELD(A, lo)});
}

TEST_CASE("gradients of attention may be interleaved in one tensor, but share no element") {
    Desk k;
    using Bw = AttentionBackward;
    const Tensor qkv = k.f({N, (H + 2 * G) * D}), d_qkv = k.f({N, (H + 2 * G) * D});
    const PackedHeads in = packed_heads(qkv, H, G, D), d_in = packed_heads(d_qkv, H, G, D);
    const Bw b = {.d_q = d_in.q,
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
                  .Tk = T,
                  .H = H,
                  .G = G,
                  .D = D,
                  .scale = 0.7};
    REQUIRE_NOTHROW(check(b));
    refuses<Bw>(
        b, [&](Bw& a) { a.d_v = d_qkv.columns((H + G) * D - 1, G * D); }, "d_k must not alias d_v");
    refuses<Bw>(
        b, [&](Bw& a) { a.d_k = d_qkv.columns(H * D - 1, G * D); }, "d_q must not alias d_k");
    refuses<Bw>(
        b, [&](Bw& a) { a.d_k = a.k; }, "d_k must not alias k");
    refuses<Bw>(
        b, [&](Bw& a) { a.d_q.row_stride = H * D - 1; }, "d_q has rows of 8 elements 7 apart");
    refuses<Bw>(
        b, [&](Bw& a) { a.d_y.row_stride = H * D + 1; }, "d_y has rows of 8 elements 9 apart, must be contiguous");
}
