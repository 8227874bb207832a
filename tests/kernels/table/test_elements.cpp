// Elementwise ops of any backend: activations, dropout, noise, add, cast.
#include "kernels/activation.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/noise.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr Activation kinds[] = {Activation::gelu_tanh, Activation::gelu_erf, Activation::silu, Activation::relu};

}  // namespace

TEST_CASE("the activations and their gradients are as exact as the naive formulas") {
    for (const Rows& r : rows())
        for (Activation kind : kinds)
            for (double spread : tested().slow ? std::vector<double>{3} : std::vector<double>{1, 8}) {
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

TEST_CASE("every activation propagates NaN, and its derivative is 0 or 1 for large inputs") {
    const std::vector<double> inputs = {NAN, -1e15, -1e6, -50, 50, 1e6, 1e15};
    for (const Ops* ops : {&reference_ops(), &tested().ops})
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

TEST_CASE("the exact gelu keeps the sign of 0, is infinity at infinity, and NaN at minus infinity") {
    for (const Ops* ops : {&reference_ops(), &tested().ops}) {
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

TEST_CASE("the activations of a backend work in place") {
    for (DType dtype : {DType::f32, DType::bf16}) {
        const Side s = {tested().ops, dtype, dtype};
        const Owned x = s.in(1, {7, 33}), d_y = s.in(2, {7, 33}), y = s.out({7, 33}), d_x = s.out({7, 33});
        s.ops.activation_forward({.y = y, .x = x, .kind = Activation::silu}, {});
        s.ops.activation_backward({.d_x = d_x, .d_y = d_y, .x = x, .kind = Activation::silu}, {});
        s.ops.activation_backward({.d_x = d_y, .d_y = d_y, .x = x, .kind = Activation::silu}, {});
        s.ops.activation_forward({.y = x, .x = x, .kind = Activation::silu}, {});
        REQUIRE(same_bits(x, y));
        REQUIRE(same_bits(d_y, d_x));
    }
}

TEST_CASE("a backend drops the same elements as the reference and scales the rest") {
    for (const Rows& r : rows())
        for (double p : {0.1, 1 - 1e-11})
            for (int64_t first_row : {int64_t(0), int64_t(1) << 33})
                compare(named("dropout", r), [=](const Side& s) {
                    const Owned x = s.in(1, {r.N, r.C}), y = s.out({r.N, r.C});
                    const uint64_t key = 0x123456789abcdefu;
                    s.ops.dropout({.y = y, .x = x, .p = p, .key = &key, .first_row = 3, .batch_row = &first_row}, {});
                    s.ops.dropout({.y = x, .x = x, .p = p, .key = &key, .first_row = first_row}, {});
                    return outputs(copy_of(y), copy_of(x));
                });
}

TEST_CASE("a backend adds what dropout keeps with the bits of dropout followed by add, and may overwrite either") {
    for (const Rows& r : rows())
        for (DType dtype : {DType::f32, DType::bf16}) {
            const Side s = {tested().ops, dtype, dtype};
            const Owned x = s.in(1, {r.N, r.C}), a = s.in(2, {r.N, r.C}), dropped = s.out(x.shape),
                        want = s.out(x.shape), y = s.out(x.shape);
            const uint64_t key = 0x123456789abcdefu;
            const double p = 0.3;
            s.ops.dropout({.y = dropped, .x = x, .p = p, .key = &key, .first_row = 5}, {});
            s.ops.add({.y = want, .a = a, .b = dropped}, {});
            s.ops.add_dropout({.y = y, .a = a, .x = x, .p = p, .key = &key, .first_row = 5}, {});
            REQUIRE(same_bits(y, want));
            const Owned over_a = copy_of(a), over_x = copy_of(x);
            s.ops.add_dropout({.y = over_a, .a = over_a, .x = x, .p = p, .key = &key, .first_row = 5}, {});
            s.ops.add_dropout({.y = over_x, .a = a, .x = over_x, .p = p, .key = &key, .first_row = 5}, {});
            REQUIRE(same_bits(over_a, want));
            REQUIRE(same_bits(over_x, want));
        }
    for (const Rows& r : rows())
        compare(named("add_dropout", r), [=](const Side& s) {
            const Owned x = s.in(1, {r.N, r.C}), a = s.in(2, {r.N, r.C}), y = s.out({r.N, r.C});
            const uint64_t key = 0x123456789abcdefu;
            const int64_t batch_row = int64_t(1) << 33;
            s.ops.add_dropout({.y = y, .a = a, .x = x, .p = 0.3, .key = &key, .first_row = 5, .batch_row = &batch_row},
                              {});
            return outputs(copy_of(y));
        });
}

TEST_CASE("a backend adds the same noise as the reference, also in place") {
    for (const Rows& r : rows())
        for (int64_t first_row : {int64_t(0), int64_t(1) << 33})
            compare(named("add_noise", r), [=](const Side& s) {
                const Owned x = s.in(1, {r.N, r.C}), y = s.out({r.N, r.C}), amplitude = s.sum(2, {r.N}, 0.5);
                const uint64_t key = 0x123456789abcdefu;
                s.ops.add_noise(
                    {.y = y, .x = x, .amplitude = amplitude, .key = &key, .first_row = 3, .batch_row = &first_row}, {});
                s.ops.add_noise({.y = x, .x = x, .amplitude = amplitude, .key = &key, .first_row = first_row}, {});
                return outputs(copy_of(y), copy_of(x));
            });
}

TEST_CASE("a backend's add and cast round once") {
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
                tested().ops.cast({.y = mine, .x = x}, {});
                reference_ops().cast({.y = want, .x = x}, {});
                REQUIRE(same_bits(mine, want));
            }
    }
}
