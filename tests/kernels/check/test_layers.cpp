#include "tests/kernels/check/argument_checks.h"

using namespace gradus;
using namespace gradus::test;
using namespace gradus::test::argument_checks;

namespace {

const uint64_t key = 1;
const StepValues values;

}  // namespace

TEST_CASE("the checks of embedding name every invalid argument") {
    TensorPool k;
    using A = EmbeddingForward;
    const A a = {.y = k.f({N, C}), .tokens = k.i({N}), .wte = k.f({V, C}), .positions = k.i({N}), .wpe = k.f({P, C})};
    rejects_every_field(a, "embedding_forward",
                        {FIELD(A, y), FIELD(A, tokens), FIELD(A, wte), OPTIONAL(A, positions), OPTIONAL(A, wpe)});
    rejects<A>(
        a, [](A& x) { x.wpe = {}; }, "positions is given without wpe");
    rejects<A>(
        a, [](A& x) { x.positions = {}; }, "positions is missing beside wpe");

    using Backward = EmbeddingBackward;
    const Backward b = {.d_wte = k.f({V, C}),
                        .d_wpe = k.f({P, C}),
                        .d_y = k.f({N, C}),
                        .tokens = k.i({N}),
                        .positions = k.i({N}),
                        .order = k.i({N}),
                        .position_order = k.i({N})};
    rejects_every_field(
        b, "embedding_backward",
        {FIELD(Backward, d_wte), OPTIONAL(Backward, d_wpe), FIELD(Backward, d_y), FIELD(Backward, tokens),
         OPTIONAL(Backward, positions), OPTIONAL(Backward, order), OPTIONAL(Backward, position_order)});
}

TEST_CASE("the checks of linear name every invalid argument") {
    TensorPool k;
    using F = LinearForward;
    const F f = {.y = k.f({N, O}), .x = k.f({N, C}), .w = k.f({O, C}), .b = k.f({O})};
    rejects_every_field(f, "linear_forward", {FIELD(F, y), FIELD(F, x), FIELD(F, w), OPTIONAL(F, b)});
    rejects<F>(
        f,
        [](F& a) {
            a.w.shape = {C, O};
        },
        "w has shape [8, 5], must have [O,I] = [5, 8]");
    rejects<F>(
        f, [](F& a) { a.w.dtype = DType::bf16; }, "w is bf16, must be f32");
    rejects<F>(
        f,
        [](F& a) {
            a.x.shape = {N, 0};
        },
        "x has shape [6, 0]: an empty axis");

    using I = LinearBackwardInput;
    const I i = {.d_x = k.f({N, C}), .d_y = k.f({N, O}), .w = k.f({O, C})};
    rejects_every_field(i, "linear_backward_input", {FIELD(I, d_x), FIELD(I, d_y), FIELD(I, w)});

    using W = LinearBackwardWeight;
    const W w = {.d_w = k.f({O, C}), .d_b = k.f({O}), .d_y = k.f({N, O}), .x = k.f({N, C})};
    rejects_every_field(w, "linear_backward_weight", {FIELD(W, d_w), OPTIONAL(W, d_b), FIELD(W, d_y), FIELD(W, x)});
}

TEST_CASE("the checks of a linear with an activation name every invalid argument") {
    TensorPool k;
    using F = LinearActivationForward;
    const F f = {.y = k.f({N, O}),
                 .pre = k.f({N, O}),
                 .x = k.f({N, C}),
                 .w = k.f({O, C}),
                 .b = k.f({O}),
                 .kind = Activation::gelu_tanh};
    rejects_every_field(f, "linear_activation_forward",
                        {FIELD(F, y), FIELD(F, pre), FIELD(F, x), FIELD(F, w), OPTIONAL(F, b)});

    using B = LinearActivationBackward;
    const B b = {
        .d_pre = k.f({N, C}), .d_y = k.f({N, O}), .w = k.f({O, C}), .pre = k.f({N, C}), .kind = Activation::gelu_tanh};
    rejects_every_field(b, "linear_activation_backward", {FIELD(B, d_pre), FIELD(B, d_y), FIELD(B, w), FIELD(B, pre)});
    rejects<B>(
        b, [](B& a) { a.d_pre = a.pre; }, "d_pre must not alias pre");
}

TEST_CASE("the checks of dot products of rows name every invalid argument") {
    TensorPool k;
    using F = RowDotForward;
    const F f = {.y = k.f({N}), .x = k.f({N, C}), .w = k.f({C})};
    rejects_every_field(f, "row_dot_forward", {FIELD(F, y), FIELD(F, x), FIELD(F, w)});

    using B = RowDotBackward;
    const B b = {.d_x = k.f({N, C}), .d_w = k.f({C}), .d_y = k.f({N}), .x = k.f({N, C}), .w = k.f({C})};
    rejects_every_field(b, "row_dot_backward", {FIELD(B, d_x), FIELD(B, d_w), FIELD(B, d_y), FIELD(B, x), FIELD(B, w)});
    rejects<B>(
        b, [](B& a) { a.d_x = a.x; }, "d_x must not alias x");
}

TEST_CASE("strided views are accepted where a header says so, and rejected elsewhere") {
    TensorPool k;
    const Tensor padded = k.f({N, V + 3}).columns(0, V);
    REQUIRE_NOTHROW(check(LinearForward{.y = padded, .x = k.f({N, C}), .w = k.f({V, C})}));
    REQUIRE_NOTHROW(check(LinearBackwardInput{.d_x = k.f({N, C}), .d_y = padded, .w = k.f({V, C})}));
    REQUIRE_NOTHROW(check(LinearBackwardWeight{.d_w = k.f({V, C}), .d_y = padded, .x = k.f({N, C})}));
    REQUIRE_NOTHROW(check(CrossEntropyStats{.stats = k.f({N, 4}), .logits = padded, .targets = k.i({N})}));
    REQUIRE_NOTHROW(check(
        CrossEntropyBackward{.logits = padded, .lse = k.f({N}), .targets = k.i({N}), .V = V, .step_values = &values}));
    rejects<LinearForward>(
        {.y = k.f({N, O}), .x = padded, .w = k.f({O, V})}, [](auto&) {},
        "x has rows of 7 elements 10 apart, must be contiguous");
    rejects<Add>(
        {.y = k.f({N, V}), .a = padded, .b = k.f({N, V})}, [](auto&) {}, "a has rows of 7 elements 10 apart");
    rejects<Dropout>(
        {.y = k.f({N, V}), .x = padded, .p = 0.1, .key = &key, .first_row = 0}, [](auto&) {},
        "x has rows of 7 elements 10 apart");
    rejects<Cast>(
        {.y = padded, .x = k.f({N, V})}, [](auto&) {}, "y has rows of 7 elements 10 apart");
}

TEST_CASE("the checks of activations name every invalid argument") {
    TensorPool k;
    using F = ActivationForward;
    rejects_every_field(F{.y = k.f({N, C}), .x = k.f({N, C}), .kind = Activation::silu}, "activation_forward",
                        {FIELD(F, y), FIELD(F, x)});
    using Bw = ActivationBackward;
    const Bw b = {.d_x = k.f({N, C}), .d_y = k.f({N, C}), .x = k.f({N, C}), .kind = Activation::silu};
    rejects_every_field(b, "activation_backward", {FIELD(Bw, d_x), FIELD(Bw, d_y), FIELD(Bw, x)});
    rejects<Bw>(
        b, [](Bw& a) { a.d_x = a.x; }, "d_x must not alias x");

    using GF = GatedForward;
    const GF g = {.y = k.f({N, C}), .x = k.f({N, 2 * C}), .kind = Activation::silu};
    rejects_every_field(g, "gated_forward", {FIELD(GF, y), FIELD(GF, x)});
    rejects<GF>(
        g,
        [](GF& a) {
            a.x.shape = {N, C};
        },
        "x has shape [6, 8], must have [N,2F] = [6, 16]");
    using GB = GatedBackward;
    rejects_every_field(GB{.d_x = k.f({N, 2 * C}), .d_y = k.f({N, C}), .x = k.f({N, 2 * C}), .kind = Activation::silu},
                        "gated_backward", {FIELD(GB, d_x), FIELD(GB, d_y), FIELD(GB, x)});
}

TEST_CASE("the checks of dropout name every invalid argument") {
    TensorPool k;
    using A = Dropout;
    const A a = {.y = k.f({N, C}), .x = k.f({N, C}), .p = 0.1, .key = &key, .first_row = 0};
    rejects_every_field(a, "dropout", {FIELD(A, y), FIELD(A, x)});
    for (double p : {1.0, -0.1, double(NAN)})
        rejects<A>(
            a, [p](A& x) { x.p = p; }, "must be in [0, 1)");
    rejects<A>(
        a, [](A& x) { x.first_row = -1; }, "first_row is -1, must be at least 0");
    rejects<A>(
        a, [](A& x) { x.y.data = const_cast<float*>(x.x.as<float>()) + 1; }, "y overlaps a part of x");
}

TEST_CASE("the checks of dropout with a residual add name every invalid argument") {
    TensorPool k;
    using A = AddDropout;
    const A a = {.y = k.f({N, C}), .a = k.f({N, C}), .x = k.f({N, C}), .p = 0.1, .key = &key, .first_row = 0};
    rejects_every_field(a, "add_dropout", {FIELD(A, y), FIELD(A, a), FIELD(A, x)});
    rejects<A>(
        a, [](A& x) { x.p = 1; }, "must be in [0, 1)");
    rejects<A>(
        a, [](A& x) { x.key = nullptr; }, "key is missing");
    rejects<A>(
        a, [](A& x) { x.first_row = -1; }, "first_row is -1, must be at least 0");
    rejects<A>(
        a, [](A& x) { x.y.data = const_cast<float*>(x.a.as<float>()) + 1; }, "y overlaps a part of a");
    rejects<A>(
        a, [](A& x) { x.y.data = const_cast<float*>(x.x.as<float>()) + 1; }, "y overlaps a part of x");
}

TEST_CASE("the checks of add_noise name every invalid argument") {
    TensorPool k;
    using A = AddNoise;
    const A a = {.y = k.f({N, C}), .x = k.f({N, C}), .amplitude = k.f({N}), .key = &key, .first_row = 0};
    rejects_every_field(a, "add_noise", {FIELD(A, y), FIELD(A, x), FIELD(A, amplitude)});
    rejects<A>(
        a, [](A& x) { x.key = nullptr; }, "key is missing");
    rejects<A>(
        a, [](A& x) { x.first_row = -1; }, "first_row is -1, must be at least 0");
    rejects<A>(
        a, [](A& x) { x.y.data = const_cast<float*>(x.x.as<float>()) + 1; }, "y overlaps a part of x");
}

TEST_CASE("the checks of add and cast name every invalid argument") {
    TensorPool k;
    const Add a = {.y = k.f({N, C}), .a = k.f({N, C}), .b = k.f({N, C})};
    rejects_every_field(a, "add", {FIELD(Add, a), FIELD(Add, b)});
    rejects<Add>(
        a, [](Add& x) { x.y.data = nullptr; }, "add: y has no memory");
    const Cast c = {.y = k.give(DType::bf16, {N}), .x = k.f({N})};
    rejects_every_field(c, "cast", {FIELD(Cast, x)});
    rejects<Cast>(
        c, [](Cast& x) { x.y.dtype = DType::c128; }, "y is c128, must be f32 or bf16 or f64");
    rejects<Cast>(
        c, [](Cast& x) { x.y.data = x.x.data; }, "y must not alias x");
}

TEST_CASE("a backend checks before it computes, and accepts a call without rows") {
    TensorPool k;
    const Ops& ops = reference_ops();
    REQUIRE_THROWS_AS(ops.add({.y = k.f({N}), .a = k.f({N}), .b = k.f({C})}, {}), InternalError);
    const Tensor none = {nullptr, DType::f32, {0, C}};
    REQUIRE_NOTHROW(ops.dropout({.y = none, .x = none, .p = 0.5, .key = &key, .first_row = 0}, {}));
}
