// Activations of the reference: kernels/activation.h.
#include <array>
#include <catch2/catch.hpp>

#include "kernels/activation.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();
const std::vector<Activation> kinds = {Activation::gelu_tanh, Activation::gelu_erf, Activation::silu, Activation::relu};

double apply(Activation kind, double x) {
    const Owned in = filled(DType::f64, {1, 1}, x), out = poisoned(DType::f64, {1, 1});
    ops.activation_forward({.y = out, .x = in, .kind = kind}, {});
    return at(out, 0);
}

double slope(Activation kind, double x) {
    const Owned in = filled(DType::f64, {1, 1}, x), one = filled(DType::f64, {1, 1}, 1);
    const Owned out = poisoned(DType::f64, {1, 1});
    ops.activation_backward({.d_x = out, .d_y = one, .x = in, .kind = kind}, {});
    return at(out, 0);
}

}  // namespace

TEST_CASE("the backward of every activation is the derivative of its forward") {
    for (Rows r : awkward_rows)
        for (Activation kind : kinds) {
            const Owned x = random(1, DType::f64, {r.N, r.C}, 2), d_y = random(2, DType::f64, {r.N, r.C});
            const Owned d_x = poisoned(DType::f64, {r.N, r.C}), probe = converted(x, DType::c128);
            ops.activation_backward({.d_x = d_x, .d_y = d_y, .x = x, .kind = kind}, {});
            const std::string wrong = wrong_gradient("activation", {{"x", probe, d_x}}, [&] {
                const Owned y = poisoned(DType::c128, {r.N, r.C});
                ops.activation_forward({.y = y, .x = probe, .kind = kind}, {});
                return functional(y, d_y);
            });
            REQUIRE(wrong == "");
        }
}

TEST_CASE("the backward of every gated activation is the derivative of its forward") {
    for (Rows r : awkward_rows)
        for (Activation kind : kinds) {
            const Owned x = random(1, DType::f64, {r.N, 2 * r.C}, 2), d_y = random(2, DType::f64, {r.N, r.C});
            const Owned d_x = poisoned(DType::f64, {r.N, 2 * r.C}), probe = converted(x, DType::c128);
            ops.gated_backward({.d_x = d_x, .d_y = d_y, .x = x, .kind = kind}, {});
            const std::string wrong = wrong_gradient("gated", {{"x", probe, d_x}}, [&] {
                const Owned y = poisoned(DType::c128, {r.N, r.C});
                ops.gated_forward({.y = y, .x = probe, .kind = kind}, {});
                return functional(y, d_y);
            });
            REQUIRE(wrong == "");
        }
}

TEST_CASE("gelu, silu and relu equal their definitions") {
    for (double x : {-40.0, -3.0, -1.0, -0.1, 0.0, 1e-3, 0.5, 2.0, 7.0, 50.0}) {
        // ½(1 + tanh u) is the logistic function of 2u
        const double u = std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
        REQUIRE(std::abs(apply(Activation::gelu_tanh, x) - x / (1 + std::exp(-2 * u))) <=
                1e-15 * std::max(1.0, std::abs(x)));
        REQUIRE(std::abs(apply(Activation::gelu_erf, x) - x / 2 * (1 + std::erf(x / std::sqrt(2.0)))) <=
                1e-15 * std::max(1.0, std::abs(x)));
        REQUIRE(std::abs(apply(Activation::silu, x) - x / (1 + std::exp(-x))) <= 1e-15 * std::max(1.0, std::abs(x)));
        REQUIRE(apply(Activation::relu, x) == std::max(0.0, x));
    }
    REQUIRE(std::abs(apply(Activation::gelu_tanh, 1) - 0.84119199) <= 1e-8);
    REQUIRE(std::abs(apply(Activation::silu, 1) - 0.73105858) <= 1e-8);
    REQUIRE(apply(Activation::silu, -800) == 0);
    REQUIRE(apply(Activation::silu, 800) == 800);
}

TEST_CASE("the exact gelu and its derivative match a table of the normal distribution") {
    // x, Φ(x), the density
    for (const auto& [x, below, density] : {std::array{0.0, 0.5, 0.3989422804014327},
                                            {1.0, 0.8413447460685429, 0.2419707245191434},
                                            {-2.0, 0.0227501319481792, 0.0539909665131881},
                                            {3.0, 0.9986501019683699, 0.0044318484119380}}) {
        REQUIRE(std::abs(apply(Activation::gelu_erf, x) - x * below) <= 1e-14);
        REQUIRE(std::abs(slope(Activation::gelu_erf, x) - (below + x * density)) <= 1e-14);
    }
    // No cancellation far below 0: the tail at −10 is 7.62e-24.
    REQUIRE(std::abs(apply(Activation::gelu_erf, -10) / -7.619853024160527e-23 - 1) <= 1e-13);
    REQUIRE(apply(Activation::gelu_erf, -800) == 0);
    REQUIRE(apply(Activation::gelu_erf, 800) == 800);
}

TEST_CASE("the two forms of gelu differ by at most 5e-4") {
    double worst = 0;
    for (double x = -8; x <= 8; x += 1.0 / 256) {
        const double apart = std::abs(apply(Activation::gelu_tanh, x) - apply(Activation::gelu_erf, x));
        if (!(apart <= worst)) worst = apart;
    }
    REQUIRE(worst <= 5e-4);
    REQUIRE(worst >= 4e-4);
}

TEST_CASE("a gated activation is the plain activation of the gate times up, bit for bit") {
    for (Activation kind : kinds) {
        const Owned x = random(1, DType::f32, {7, 66}, 2), y(DType::f32, {7, 33});
        const Owned gate(DType::f32, {7, 33}), plain(DType::f32, {7, 33});
        for (int64_t i = 0; i < gate.size(); ++i) put(gate, i, at(x, i / 33 * 66 + i % 33));
        ops.gated_forward({.y = y, .x = x, .kind = kind}, {});
        ops.activation_forward({.y = plain, .x = gate, .kind = kind}, {});
        for (int64_t i = 0; i < y.size(); ++i)
            REQUIRE(y.as<float>()[i] == plain.as<float>()[i] * x.as<float>()[i / 33 * 66 + 33 + i % 33]);
    }
}

TEST_CASE("activations give the same bits in place") {
    for (Activation kind : kinds) {
        const Owned x = random(1, DType::f32, {7, 33}, 2), d_y = random(2, DType::f32, {7, 33});
        const Owned y(DType::f32, {7, 33}), d_x(DType::f32, {7, 33}), over_x = copy_of(x), over_d_y = copy_of(d_y);
        ops.activation_forward({.y = y, .x = x, .kind = kind}, {});
        ops.activation_forward({.y = over_x, .x = over_x, .kind = kind}, {});
        ops.activation_backward({.d_x = d_x, .d_y = d_y, .x = x, .kind = kind}, {});
        ops.activation_backward({.d_x = over_d_y, .d_y = over_d_y, .x = x, .kind = kind}, {});
        REQUIRE(same_bits(over_x, y));
        REQUIRE(same_bits(over_d_y, d_x));
    }
}
