// Linear of the reference: kernels/linear.h.
#include <catch2/catch.hpp>

#include "kernels/linear_activation.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();

struct Sizes {
    int64_t N, I, O;
};
const std::vector<Sizes> awkward = {{1, 1, 1}, {1, 5, 3}, {7, 3, 1}, {5, 9, 4}, {3, 1, 6}};

}  // namespace

TEST_CASE("the backward of linear is the derivative of its forward") {
    for (auto [N, I, O] : awkward)
        for (bool bias : {true, false}) {
            const Owned x = random(1, DType::f64, {N, I}), w = random(2, DType::f64, {O, I});
            const Owned d_y = random(4, DType::f64, {N, O});
            const Owned w_before = random(5, DType::f64, {O, I}), b_before = random(6, DType::f64, {O});
            const Owned d_x = poisoned(DType::f64, {N, I}), d_w = copy_of(w_before), d_b = copy_of(b_before);
            ops.linear_backward_input({.d_x = d_x, .d_y = d_y, .w = w}, {});
            ops.linear_backward_weight({.d_w = d_w, .d_b = bias ? Opt(d_b) : Opt(), .d_y = d_y, .x = x}, {});

            const Owned x_probe = converted(x, DType::c128), w_probe = converted(w, DType::c128);
            const Owned b_probe = random(3, DType::c128, {O}), y = poisoned(DType::c128, {N, O});
            const Owned of_w = added(d_w, w_before), of_b = added(d_b, b_before);
            std::vector<Derivative> inputs = {{"x", x_probe, d_x}, {"w", w_probe, of_w}};
            if (bias) inputs.push_back({"b", b_probe, of_b});
            const std::string wrong = wrong_gradient("linear", inputs, [&] {
                ops.linear_forward({.y = y, .x = x_probe, .w = w_probe, .b = bias ? Opt(b_probe) : Opt()}, {});
                return functional(y, d_y);
            });
            REQUIRE(wrong == "");
        }
}

TEST_CASE("linear multiplies rows by rows of the weight and adds the bias") {
    Owned x(DType::f64, {2, 3}), w(DType::f64, {2, 3}), b(DType::f64, {2}), y(DType::f64, {2, 2});
    for (int64_t i = 0; i < 6; ++i) {
        put(x, i, double(i + 1));           // 1 2 3 | 4 5 6
        put(w, i, double(i % 2 * 10 + i));  // 0 11 2 | 13 4 15
    }
    put(b, 0, 100);
    put(b, 1, 200);
    ops.linear_forward({.y = y, .x = x, .w = w, .b = b}, {});
    REQUIRE(at(y, 0) == 100 + 0 + 22 + 6);
    REQUIRE(at(y, 1) == 200 + 13 + 8 + 45);
    REQUIRE(at(y, 2) == 100 + 0 + 55 + 12);
    REQUIRE(at(y, 3) == 200 + 52 + 20 + 90);
}

TEST_CASE("two backward passes add up to twice the weight gradient") {
    const Owned x = random(1, DType::f64, {5, 3}), d_y = random(2, DType::f64, {5, 4});
    const Owned d_w = filled(DType::f64, {4, 3}, 0), d_b = filled(DType::f64, {4}, 0);
    ops.linear_backward_weight({.d_w = d_w, .d_b = d_b, .d_y = d_y, .x = x}, {});
    const Owned once_w = copy_of(d_w), once_b = copy_of(d_b);
    ops.linear_backward_weight({.d_w = d_w, .d_b = d_b, .d_y = d_y, .x = x}, {});
    for (int64_t i = 0; i < d_w.size(); ++i) REQUIRE(at(d_w, i) == 2 * at(once_w, i));
    for (int64_t i = 0; i < d_b.size(); ++i) REQUIRE(at(d_b, i) == 2 * at(once_b, i));
}

TEST_CASE("a weight gradient that overwrites is the one that accumulates from zero") {
    const Owned x = random(1, DType::f64, {5, 3}), d_y = random(2, DType::f64, {5, 4});
    const Owned from_zero = filled(DType::f64, {4, 3}, 0), overwritten = poisoned(DType::f64, {4, 3});
    ops.linear_backward_weight({.d_w = from_zero, .d_y = d_y, .x = x}, {});
    ops.linear_backward_weight({.d_w = overwritten, .d_y = d_y, .x = x, .overwrite = true}, {});
    REQUIRE(same_bits(from_zero, overwritten));
}

TEST_CASE("a linear with its activation is the linear and the activation, and its backward is their derivative") {
    for (auto [N, I, O] : awkward)
        for (Activation kind : {Activation::gelu_tanh, Activation::gelu_erf, Activation::silu, Activation::relu}) {
            const Owned x = random(1, DType::f64, {N, I}), w = random(2, DType::f64, {O, I}),
                        b = random(3, DType::f64, {O}), d_y = random(4, DType::f64, {N, O});
            const Owned y = poisoned(DType::f64, {N, O}), pre = poisoned(DType::f64, {N, O});
            const Owned want = poisoned(DType::f64, {N, O}), want_pre = poisoned(DType::f64, {N, O});
            ops.linear_activation_forward({.y = y, .pre = pre, .x = x, .w = w, .b = b, .kind = kind}, {});
            ops.linear_forward({.y = want_pre, .x = x, .w = w, .b = b}, {});
            ops.activation_forward({.y = want, .x = want_pre, .kind = kind}, {});
            REQUIRE(same_bits(pre, want_pre));
            REQUIRE(same_bits(y, want));

            // The activation comes before the linear here.
            const Owned d_x = poisoned(DType::f64, {N, I}), x_probe = converted(x, DType::c128),
                        w_probe = converted(w, DType::c128), activated = poisoned(DType::c128, {N, I}),
                        out = poisoned(DType::c128, {N, O});
            ops.linear_activation_backward({.d_pre = d_x, .d_y = d_y, .w = w, .pre = x, .kind = kind}, {});
            const std::string wrong = wrong_gradient("linear of an activation", {{"pre", x_probe, d_x}}, [&] {
                ops.activation_forward({.y = activated, .x = x_probe, .kind = kind}, {});
                ops.linear_forward({.y = out, .x = activated, .w = w_probe}, {});
                return functional(out, d_y);
            });
            REQUIRE(wrong == "");
        }
}
