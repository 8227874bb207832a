// The CPU's ops that go over rows or elements: norms, activations, embedding, rope, dropout, add, cast.
#include "tests/kernels/cpu_compare.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// The small ones stay on one thread; the last two are shared out, and end in the middle of everything.
std::vector<Rows> rows() {
    std::vector<Rows> all = awkward_rows;
    all.push_back({83, 389});
    all.push_back({37, 1100});
    return all;
}

std::string named(const std::string& op, const Rows& r) {
    return op + " [" + std::to_string(r.N) + "," + std::to_string(r.C) + "]";
}

Opt when(bool given, const Tensor& t) { return given ? Opt(t) : Opt(); }

constexpr double eps = 1e-3;
constexpr Activation kinds[] = {Activation::gelu_tanh, Activation::gelu_erf, Activation::silu, Activation::relu};

}  // namespace

TEST_CASE("the CPU's norms of rows are as exact as the naive formulas, alone and after a residual add") {
    for (const Rows& r : rows())
        for (bool biased : {false, true}) {
            const Shape x_shape = {r.N, r.C}, n_shape = {r.N}, c_shape = {r.C};
            compare(named("layernorm_forward", r), [=](const Side& s) {
                const Owned x = s.in(1, x_shape, 2, 0.5), gain = s.in(2, c_shape), bias = s.in(3, c_shape);
                const Owned y = s.out(x_shape), mean = s.statistic(n_shape), rstd = s.statistic(n_shape);
                s.ops.layernorm_forward(
                    {.y = y, .mean = mean, .rstd = rstd, .x = x, .gain = gain, .bias = when(biased, bias), .eps = eps},
                    {});
                return outputs(copy_of(y), copy_of(mean), copy_of(rstd));
            });
            compare(named("rmsnorm_forward", r), [=](const Side& s) {
                const Owned x = s.in(1, x_shape, 2, 0.5), gain = s.in(2, c_shape), y = s.out(x_shape),
                            rstd = s.statistic(n_shape);
                s.ops.rmsnorm_forward({.y = y, .rstd = rstd, .x = x, .gain = gain, .eps = eps}, {});
                return outputs(copy_of(y), copy_of(rstd));
            });
        }
}

TEST_CASE("the CPU's fused norms normalise the sum as it was stored, and may store it over a") {
    // In bf16 the sum is rounded before it is normalised, so that backward sees the same row: equal to add, then norm.
    for (const Rows& r : rows())
        for (DType dtype : {DType::f32, DType::bf16})
            for (bool in_place : {false, true}) {
                const Ops& ops = cpu_ops();
                const Side s = {ops, dtype, dtype};
                const Shape x_shape = {r.N, r.C}, n_shape = {r.N}, c_shape = {r.C};
                const Owned b = s.in(2, x_shape), gain = s.in(3, c_shape), bias = s.in(4, c_shape),
                            sum = s.out(x_shape);
                const Owned y = s.out(x_shape), want = s.out(x_shape), mean = s.statistic(n_shape),
                            rstd = s.statistic(n_shape);
                const Owned want_mean = s.statistic(n_shape), want_rstd = s.statistic(n_shape);
                for (bool rms : {false, true}) {
                    const Owned a = s.in(1, x_shape, 2, 0.5), apart = s.out(x_shape);
                    const Tensor x = in_place ? Tensor(a) : Tensor(apart);
                    ops.add({.y = sum, .a = a, .b = b}, {});
                    if (rms) {
                        ops.rmsnorm_forward({.y = want, .rstd = want_rstd, .x = sum, .gain = gain, .eps = eps}, {});
                        ops.add_rmsnorm_forward(
                            {.y = y, .x = x, .rstd = rstd, .a = a, .b = b, .gain = gain, .eps = eps}, {});
                    } else {
                        ops.layernorm_forward({.y = want,
                                               .mean = want_mean,
                                               .rstd = want_rstd,
                                               .x = sum,
                                               .gain = gain,
                                               .bias = bias,
                                               .eps = eps},
                                              {});
                        ops.add_layernorm_forward({.y = y,
                                                   .x = x,
                                                   .mean = mean,
                                                   .rstd = rstd,
                                                   .a = a,
                                                   .b = b,
                                                   .gain = gain,
                                                   .bias = bias,
                                                   .eps = eps},
                                                  {});
                        REQUIRE(same_bits(mean, want_mean));
                    }
                    REQUIRE(same_bits(x, sum));
                    REQUIRE(same_bits(y, want));
                    REQUIRE(same_bits(rstd, want_rstd));
                }
            }
}

TEST_CASE("the CPU's gradients of norms are as exact as the naive formulas, and add to what is there") {
    for (const Rows& r : rows())
        for (bool residual : {false, true}) {
            const Shape x_shape = {r.N, r.C}, n_shape = {r.N}, c_shape = {r.C};
            compare(named("layernorm_backward", r), [=](const Side& s) {
                const Owned x = s.in(1, x_shape), gain = s.in(2, c_shape), d_y = s.in(3, x_shape),
                            d_residual = s.in(4, x_shape);
                const Owned mean = s.sum(5, n_shape, 0.1), rstd = s.sum(6, n_shape, 0.1, 1), d_x = s.out(x_shape);
                const Owned d_gain = s.sum(7, c_shape), d_bias = s.sum(8, c_shape);
                s.ops.layernorm_backward({.d_x = d_x,
                                          .d_gain = d_gain,
                                          .d_bias = when(residual, d_bias),
                                          .d_y = d_y,
                                          .d_residual = when(residual, d_residual),
                                          .x = x,
                                          .gain = gain,
                                          .mean = mean,
                                          .rstd = rstd},
                                         {});
                return outputs(copy_of(d_x), copy_of(d_gain), copy_of(d_bias));
            });
            compare(named("rmsnorm_backward", r), [=](const Side& s) {
                const Owned x = s.in(1, x_shape), gain = s.in(2, c_shape), d_y = s.in(3, x_shape),
                            d_residual = s.in(4, x_shape);
                const Owned rstd = s.sum(6, n_shape, 0.1, 1), d_x = s.out(x_shape), d_gain = s.sum(7, c_shape);
                s.ops.rmsnorm_backward({.d_x = d_x,
                                        .d_gain = d_gain,
                                        .d_y = d_y,
                                        .d_residual = when(residual, d_residual),
                                        .x = x,
                                        .gain = gain,
                                        .rstd = rstd},
                                       {});
                return outputs(copy_of(d_x), copy_of(d_gain));
            });
        }
}

TEST_CASE("the CPU's gradients of norms may overwrite d_y or d_residual") {
    const Rows r = {19, 45};
    for (DType dtype : {DType::f32, DType::bf16})
        for (bool over_d_y : {false, true}) {
            const Side s = {cpu_ops(), dtype, dtype};
            const Owned x = s.in(1, {r.N, r.C}), gain = s.in(2, {r.C}), mean = s.sum(5, {r.N}, 0.1),
                        rstd = s.sum(6, {r.N}, 0.1, 1);
            const auto run = [&](bool apart) {
                const Owned d_y = s.in(3, {r.N, r.C}), d_residual = s.in(4, {r.N, r.C}), d_x = s.out({r.N, r.C}),
                            d_gain = s.sum(7, {r.C});
                const Tensor to = apart ? Tensor(d_x) : over_d_y ? Tensor(d_y) : Tensor(d_residual);
                s.ops.layernorm_backward({.d_x = to,
                                          .d_gain = d_gain,
                                          .d_y = d_y,
                                          .d_residual = d_residual,
                                          .x = x,
                                          .gain = gain,
                                          .mean = mean,
                                          .rstd = rstd},
                                         {});
                return outputs(copy_of(to), copy_of(d_gain));
            };
            const Outputs want = run(true), got = run(false);
            REQUIRE(same_bits(got[0], want[0]));
            REQUIRE(same_bits(got[1], want[1]));
        }
}

TEST_CASE("the CPU's activations and their gradients are as exact as the naive formulas") {
    for (const Rows& r : rows())
        for (Activation kind : kinds)
            for (double spread : {1.0, 8.0}) {
                const Shape narrow = {r.N, r.C}, wide = {r.N, 2 * r.C};
                compare(named("activation", r), [=](const Side& s) {
                    const Owned x = s.in(1, narrow, spread), d_y = s.in(2, narrow), y = s.out(narrow),
                                d_x = s.out(narrow);
                    s.ops.activation_forward({.y = y, .x = x, .kind = kind}, {});
                    s.ops.activation_backward({.d_x = d_x, .d_y = d_y, .x = x, .kind = kind}, {});
                    return outputs(copy_of(y), copy_of(d_x));
                });
                compare(named("gated", r), [=](const Side& s) {
                    const Owned x = s.in(1, wide, spread), d_y = s.in(2, narrow), y = s.out(narrow), d_x = s.out(wide);
                    s.ops.gated_forward({.y = y, .x = x, .kind = kind}, {});
                    s.ops.gated_backward({.d_x = d_x, .d_y = d_y, .x = x, .kind = kind}, {});
                    return outputs(copy_of(y), copy_of(d_x));
                });
            }
}

TEST_CASE("every activation hands a NaN on, and its slope far out is 0 or 1") {
    const std::vector<double> inputs = {NAN, -1e15, -1e6, -50, 50, 1e6, 1e15};
    for (const Ops* ops : {&reference_ops(), &cpu_ops()})
        for (Activation kind : kinds) {
            const int64_t n = int64_t(inputs.size());
            const Owned x(DType::f32, {1, n}), d_y = filled(DType::f32, {1, n}, 1);
            for (int64_t i = 0; i < n; ++i) put(x, i, inputs[size_t(i)]);
            const Owned y = poisoned(DType::f32, {1, n}), d_x = filled(DType::f32, {1, n}, 7);
            ops->activation_forward({.y = y, .x = x, .kind = kind}, {});
            ops->activation_backward({.d_x = d_x, .d_y = d_y, .x = x, .kind = kind}, {});
            INFO(ops->name << ", activation " << int(kind));
            REQUIRE(std::isnan(at(y, 0)));
            REQUIRE(std::isnan(at(d_x, 0)));
            for (int64_t i = 1; i < n; ++i) REQUIRE(std::abs(at(d_x, i) - (inputs[size_t(i)] > 0)) <= 1e-6);
        }
}

TEST_CASE("the exact gelu of either 0 is that 0, of infinity infinity, and of minus infinity the formula's NaN") {
    for (const Ops* ops : {&reference_ops(), &cpu_ops()}) {
        const Owned x(DType::f32, {1, 4}), y = filled(DType::f32, {1, 4}, 7);
        int64_t i = 0;
        for (double each : {0.0, -0.0, double(INFINITY), -double(INFINITY)}) put(x, i++, each);
        ops->activation_forward({.y = y, .x = x, .kind = Activation::gelu_erf}, {});
        INFO(ops->name);
        for (i = 0; i < 2; ++i) REQUIRE(std::signbit(at(y, i)) == std::signbit(at(x, i)));
        REQUIRE(at(y, 0) == 0);
        REQUIRE(at(y, 1) == 0);
        REQUIRE(at(y, 2) == INFINITY);
        REQUIRE(std::isnan(at(y, 3)));
    }
}

TEST_CASE("the CPU's activations work in place") {
    for (DType dtype : {DType::f32, DType::bf16}) {
        const Side s = {cpu_ops(), dtype, dtype};
        const Owned x = s.in(1, {7, 33}), d_y = s.in(2, {7, 33}), y = s.out({7, 33}), d_x = s.out({7, 33});
        s.ops.activation_forward({.y = y, .x = x, .kind = Activation::silu}, {});
        s.ops.activation_backward({.d_x = d_x, .d_y = d_y, .x = x, .kind = Activation::silu}, {});
        s.ops.activation_backward({.d_x = d_y, .d_y = d_y, .x = x, .kind = Activation::silu}, {});
        s.ops.activation_forward({.y = x, .x = x, .kind = Activation::silu}, {});
        REQUIRE(same_bits(x, y));
        REQUIRE(same_bits(d_y, d_x));
    }
}

TEST_CASE("the CPU's embedding and its gradient equal the reference, repeated tokens included") {
    for (const Rows& r : rows())
        for (bool placed : {false, true})
            compare(named("embedding", r), [=](const Side& s) {
                const int V = 5, P = 9;
                const Owned tokens = integers(1, {r.N}, 0, V), positions = integers(2, {r.N}, 0, P),
                            y = s.out({r.N, r.C}), d_y = s.in(3, {r.N, r.C});
                const Owned wte = s.in(4, {V, r.C}), wpe = s.in(5, {P, r.C}), d_wte = s.sum(6, {V, r.C}),
                            d_wpe = s.sum(7, {P, r.C});
                s.ops.embedding_forward({.y = y,
                                         .tokens = tokens,
                                         .wte = wte,
                                         .positions = when(placed, positions),
                                         .wpe = when(placed, wpe)},
                                        {});
                s.ops.embedding_backward({.d_wte = d_wte,
                                          .d_wpe = when(placed, d_wpe),
                                          .d_y = d_y,
                                          .tokens = tokens,
                                          .positions = when(placed, positions)},
                                         {});
                return outputs(copy_of(y), copy_of(d_wte), copy_of(d_wpe));
            });
}

TEST_CASE("an id outside its table is a broken promise on the CPU, not a crash") {
    const Side s = {cpu_ops(), DType::f32, DType::f32};
    const Owned y = s.out({2, 3}), wte = s.in(1, {4, 3}), d_wte = s.sum(2, {4, 3}), d_y = s.in(3, {2, 3});
    for (int id : {-1, 4, 1 << 30}) {
        const Owned tokens = integers(1, {2}, id, id + 1);
        REQUIRE_THROWS_AS(s.ops.embedding_forward({.y = y, .tokens = tokens, .wte = wte}, {}), BrokenPromise);
        REQUIRE_THROWS_AS(s.ops.embedding_backward({.d_wte = d_wte, .d_y = d_y, .tokens = tokens}, {}), BrokenPromise);
    }
}

TEST_CASE("the CPU's rope turns pairs as the naive formula does, in both layouts, in part and whole") {
    struct Turned {
        int64_t N, W;
        int heads, D, R;
    };
    for (const Turned& c :
         std::vector<Turned>{{1, 2, 1, 2, 1}, {5, 40, 2, 16, 8}, {3, 100, 4, 20, 6}, {120, 300, 2, 140, 70}})
        for (RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved})
            for (bool forward : {true, false})
                compare("rope", [=](const Side& s) {
                    const int P = 7;
                    const Owned x = s.in(1, {c.N, c.W}), positions = integers(2, {c.N}, 0, P),
                                turns = s.sum(3, {P, c.R, 2});
                    (forward ? s.ops.rope_forward : s.ops.rope_backward)(
                        {.x = x, .positions = positions, .turns = turns, .heads = c.heads, .D = c.D, .layout = layout},
                        {});
                    return outputs(copy_of(x));
                });
}

TEST_CASE("the CPU drops the same elements as the reference and scales the rest") {
    for (const Rows& r : rows())
        for (double p : {0.1, 1 - 1e-11})
            for (int64_t first_row : {int64_t(0), int64_t(1) << 33})
                compare(named("dropout", r), [=](const Side& s) {
                    const Owned x = s.in(1, {r.N, r.C}), y = s.out({r.N, r.C});
                    s.ops.dropout({.y = y, .x = x, .p = p, .key = 0x123456789abcdefu, .first_row = first_row}, {});
                    s.ops.dropout({.y = x, .x = x, .p = p, .key = 0x123456789abcdefu, .first_row = first_row}, {});
                    return outputs(copy_of(y), copy_of(x));
                });
}

TEST_CASE("the CPU's add and cast round once") {
    for (const Rows& r : rows()) {
        compare(named("add", r), [=](const Side& s) {
            const Owned a = s.in(1, {r.N, r.C}), b = s.in(2, {r.N, r.C}), y = s.out({r.N, r.C});
            s.ops.add({.y = y, .a = a, .b = b}, {});
            s.ops.add({.y = a, .a = a, .b = b}, {});
            return outputs(copy_of(y), copy_of(a));
        });
        for (DType from : {DType::f32, DType::bf16, DType::f64})
            for (DType to : {DType::f32, DType::bf16, DType::f64}) {
                const Owned x = random(1, from, {r.N, r.C}, 1e3), mine = poisoned(to, {r.N, r.C}),
                            want = poisoned(to, {r.N, r.C});
                cpu_ops().cast({.y = mine, .x = x}, {});
                reference_ops().cast({.y = want, .x = x}, {});
                REQUIRE(same_bits(mine, want));
            }
    }
}
