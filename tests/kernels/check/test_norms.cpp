#include "tests/kernels/check/argument_checks.h"

using namespace gradus;
using namespace gradus::test;
using namespace gradus::test::argument_checks;

TEST_CASE("the checks of layernorm name every invalid argument") {
    TensorPool k;
    using F = LayerNormForward;
    const F f = {
        .y = k.f({N, C}), .mean = k.f({N}), .rstd = k.f({N}), .x = k.f({N, C}), .gain = k.f({C}), .bias = k.f({C})};
    rejects_every_field(f, "layernorm_forward",
                        {FIELD(F, y), FIELD(F, mean), FIELD(F, rstd), FIELD(F, x), FIELD(F, gain), OPTIONAL(F, bias)});
    rejects<F>(
        f, [](F& a) { a.eps = -1; }, "eps is -1, must be at least 0");
    rejects<F>(
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
    rejects_every_field(a, "add_layernorm_forward",
                        {FIELD(A, y), FIELD(A, x), FIELD(A, mean), FIELD(A, rstd), FIELD(A, a), FIELD(A, b),
                         FIELD(A, gain), OPTIONAL(A, bias)});
    A in_place = a;
    in_place.x = in_place.a;
    REQUIRE_NOTHROW(check(in_place));
    rejects<A>(
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
    rejects_every_field(b, "layernorm_backward",
                        {FIELD(Bw, d_x), FIELD(Bw, d_gain), OPTIONAL(Bw, d_bias), FIELD(Bw, d_y),
                         OPTIONAL(Bw, d_residual), FIELD(Bw, x), FIELD(Bw, gain), FIELD(Bw, mean), FIELD(Bw, rstd)});
    rejects<Bw>(
        b, [](Bw& x) { x.d_x = x.x; }, "d_x must not alias x");
    rejects<Bw>(
        b, [](Bw& x) { x.d_bias = x.d_gain; }, "d_gain must not alias d_bias");
}

TEST_CASE("the checks of rmsnorm name every invalid argument") {
    TensorPool k;
    using F = RmsNormForward;
    const F f = {.y = k.f({N, C}), .rstd = k.f({N}), .x = k.f({N, C}), .gain = k.f({C})};
    rejects_every_field(f, "rmsnorm_forward", {FIELD(F, y), FIELD(F, rstd), FIELD(F, x), FIELD(F, gain)});

    using A = AddRmsNormForward;
    const A a = {
        .y = k.f({N, C}), .x = k.f({N, C}), .rstd = k.f({N}), .a = k.f({N, C}), .b = k.f({N, C}), .gain = k.f({C})};
    rejects_every_field(a, "add_rmsnorm_forward",
                        {FIELD(A, y), FIELD(A, x), FIELD(A, rstd), FIELD(A, a), FIELD(A, b), FIELD(A, gain)});
    using Bw = RmsNormBackward;
    const Bw b = {.d_x = k.f({N, C}),
                  .d_gain = k.f({C}),
                  .d_y = k.f({N, C}),
                  .d_residual = k.f({N, C}),
                  .x = k.f({N, C}),
                  .gain = k.f({C}),
                  .rstd = k.f({N})};
    rejects_every_field(b, "rmsnorm_backward",
                        {FIELD(Bw, d_x), FIELD(Bw, d_gain), FIELD(Bw, d_y), OPTIONAL(Bw, d_residual), FIELD(Bw, x),
                         FIELD(Bw, gain), FIELD(Bw, rstd)});
}

TEST_CASE("weight gradients and statistics of bf16 must be f32") {
    TensorPool k;
    auto half = [&](const Shape& s) { return k.give(DType::bf16, s); };
    const LinearBackwardWeight w = {.d_w = k.f({O, C}), .d_y = half({N, O}), .x = half({N, C})};
    REQUIRE_NOTHROW(check(w));
    rejects<LinearBackwardWeight>(
        w, [](auto& a) { a.d_w.dtype = DType::bf16; }, "d_w is bf16, must be f32");
    const RmsNormForward f = {.y = half({N, C}), .rstd = k.f({N}), .x = half({N, C}), .gain = half({C})};
    REQUIRE_NOTHROW(check(f));
    rejects<RmsNormForward>(
        f, [](auto& a) { a.rstd.dtype = DType::bf16; }, "rstd is bf16, must be f32");
    rejects<RmsNormForward>(
        f, [](auto& a) { a.gain.dtype = DType::f32; }, "gain is f32, must be bf16");
}
