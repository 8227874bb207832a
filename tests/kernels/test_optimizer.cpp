// The norm, clipping and AdamW of the reference: kernels/optimizer.h.
#include <catch2/catch.hpp>

#include "kernels/elementwise.h"
#include "kernels/optimizer.h"
#include "tests/kernels/harness.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();

double clip(double total, double max_norm) {
    const Owned sum = filled(DType::f64, {1}, total), scale = poisoned(DType::f64, {1});
    ops.clip_scale({.scale = scale, .total = sum, .max_norm = max_norm}, {});
    return at(scale, 0);
}

// Weights, moments, and the settings of a step.
struct State {
    StepValues values = step_values(0.01, 0.9, 0.95, 10);
    Owned master, m, v, grad;
    AdamW step;

    State(DType t, int64_t n)
        : master(random(1, t, {n})),
          m(random(2, t, {n}, 0.1)),
          v(random(3, t, {n}, 0.01, 0.1)),
          grad(random(4, t, {n})),
          step{.master = master,
               .m = m,
               .v = v,
               .grad = grad,
               .step_values = &values,
               .beta1 = 0.9,
               .beta2 = 0.95,
               .eps = 1e-8,
               .decay = 0.1} {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Owned rounded_copies(double x, int64_t n, uint64_t key, int64_t first = 0) {
    State s(DType::f32, n);
    Owned param = poisoned(DType::bf16, {n});
    for (int64_t i = 0; i < n; ++i) put(s.master, i, x);
    s.values.lr = 0;
    s.values.rounding_key = key;
    s.step.param = param;
    s.step.first = first;
    ops.adamw(s.step, {});
    return param;
}

}  // namespace

TEST_CASE("square_sum adds the squares to the total in double") {
    const Owned total = filled(DType::f64, {1}, 5), parts(DType::f64, {square_sum_parts}), x(DType::f32, {3});
    put(x, 0, 1e4);  // 1e8 + 2 is not representable in f32
    put(x, 1, 1);
    put(x, 2, -1);
    ops.square_sum({.total = total, .parts = parts, .x = x}, {});
    REQUIRE(at(total, 0) == 1e8 + 7);
    const Owned y = filled(DType::f64, {2, 2}, 3);
    ops.square_sum({.total = total, .parts = parts, .x = y}, {});
    REQUIRE(at(total, 0) == 1e8 + 43);
}

TEST_CASE("clip_scale reduces the norm to the limit, never increases it, and is 1 without a limit") {
    REQUIRE(clip(9, 1.5) == 1.5 / (3 + 1e-6));
    REQUIRE(clip(9, 4) == 1);
    REQUIRE(clip(9, 0) == 1);
    REQUIRE(clip(9, -1) == 1);
    REQUIRE(clip(0, 1) == 1);
}

TEST_CASE("three steps of AdamW match a calculation by hand") {
    for (DType t : {DType::f32, DType::f64}) {
        const Owned w = filled(t, {1}, 1), m = filled(t, {1}, 0), v = filled(t, {1}, 0), g = filled(t, {1}, 2);
        const double tolerance = t == DType::f32 ? 1e-6 : 1e-15;
        auto step = [&](double gradient, int64_t number) {
            put(g, 0, gradient);
            const StepValues values = step_values(0.1, 0.5, 0.75, number);
            ops.adamw({.master = w,
                       .m = m,
                       .v = v,
                       .grad = g,
                       .step_values = &values,
                       .beta1 = 0.5,
                       .beta2 = 0.75,
                       .eps = 0,
                       .decay = 0.5},
                      {});
            return at(w, 0);
        };
        // m = 1, v = 1; with bias correction 2 / √4 = 1
        REQUIRE(std::abs(step(2, 1) - (1 - 0.1 * (1 + 0.5 * 1))) <= tolerance);
        // m = 0.5·1 − 0.5·1 = 0, v = 0.75 + 0.25 = 1: only decay
        REQUIRE(std::abs(step(-1, 2) - (0.85 - 0.1 * (0.5 * 0.85))) <= tolerance);
        // m = 1.5, v = 0.75 + 2.25 = 3; 1 − 0.5³ = 0.875, 1 − 0.75³ = 0.578125
        const double direction = 1.5 / 0.875 / std::sqrt(3 / 0.578125);
        REQUIRE(std::abs(step(3, 3) - (0.8075 - 0.1 * (direction + 0.5 * 0.8075))) <= tolerance);
        REQUIRE(at(m, 0) == 1.5);
        REQUIRE(at(v, 0) == 3);
    }
}

TEST_CASE("the first step of AdamW has the size of the learning rate, for any scale of the gradient") {
    for (double size : {1e-3, 1.0, 1e3}) {
        const Owned w = filled(DType::f64, {1}, 0), m = filled(DType::f64, {1}, 0), v = filled(DType::f64, {1}, 0);
        const Owned g = filled(DType::f64, {1}, -size);
        const StepValues values = step_values(0.01, 0.9, 0.95, 1);
        ops.adamw({.master = w,
                   .m = m,
                   .v = v,
                   .grad = g,
                   .step_values = &values,
                   .beta1 = 0.9,
                   .beta2 = 0.95,
                   .eps = 1e-12,
                   .decay = 0},
                  {});
        REQUIRE(std::abs(at(w, 0) - 0.01) <= 1e-10);
    }
}

TEST_CASE("the scale of AdamW multiplies the gradient first") {
    State scaled(DType::f64, 33), by_hand(DType::f64, 33);
    const Owned scale = filled(DType::f64, {1}, 0.25);
    scaled.step.scale = scale;
    for (int64_t i = 0; i < 33; ++i) put(by_hand.grad, i, 0.25 * at(by_hand.grad, i));
    ops.adamw(scaled.step, {});
    ops.adamw(by_hand.step, {});
    REQUIRE(same_bits(scaled.master, by_hand.master));
    REQUIRE(same_bits(scaled.m, by_hand.m));
    REQUIRE(same_bits(scaled.v, by_hand.v));
}

TEST_CASE("AdamW writes a bf16 copy of the new weights, rounded to nearest") {
    for (DType t : {DType::f32, DType::f64}) {
        State s(t, 257);
        const Owned param = poisoned(DType::bf16, {257}), want = poisoned(DType::bf16, {257});
        s.step.param = param;
        ops.adamw(s.step, {});
        ops.cast({.y = want, .x = s.master}, {});
        REQUIRE(same_bits(param, want));
    }
}

TEST_CASE("stochastic rounding gives one of the two neighbours, and the mean is the weight") {
    constexpr int64_t n = 20000;
    for (double x : {1 + 0x1p-7 * 0.3, -(1 + 0x1p-7 * 0.9), 0x1p-40 * (1 + 0x1p-7 * 0.5)}) {
        const double step = std::ldexp(0x1p-7, std::ilogb(x)), down = std::trunc(x / step) * step;
        const double up = down + std::copysign(step, x), share = (float(x) - down) / (up - down);
        const Owned y = rounded_copies(x, n, 11);
        double ups = 0;
        for (int64_t i = 0; i < n; ++i) {
            REQUIRE((at(y, i) == down || at(y, i) == up));
            ups += at(y, i) == up;
        }
        REQUIRE(std::abs(ups / double(n) - share) <= 4 * std::sqrt(share * (1 - share) / double(n)));
    }
}

TEST_CASE("stochastic rounding does not change exact bf16 values, infinity and NaN") {
    for (double x : {0.0, 1.5, -0x1p-100}) {
        const Owned y = rounded_copies(x, 64, 5);
        for (int64_t i = 0; i < 64; ++i) REQUIRE(at(y, i) == x);
    }
    const Owned y = rounded_copies(std::nan(""), 64, 5);
    for (int64_t i = 0; i < 64; ++i) REQUIRE(std::isnan(at(y, i)));
}

TEST_CASE("stochastic rounding depends on the key and the index in the arena, not on the split") {
    const double x = 1 + 0x1p-8;
    const Owned whole = rounded_copies(x, 64, 5), tail = rounded_copies(x, 40, 5, 24);
    REQUIRE(std::memcmp(tail.data, whole.as<bf16>() + 24, tail.bytes()) == 0);
    REQUIRE_FALSE(same_bits(rounded_copies(x, 64, 6), whole));
}

TEST_CASE("the moving average is the sum of the weights so far, each times a power of the decay") {
    for (DType t : {DType::f32, DType::f64}) {
        const Owned average = filled(t, {1}, 8), x(t, {1});
        double expected = 8;
        for (double weight : {1.0, -2.0, 0.5}) {
            put(x, 0, weight);
            ops.average({.average = average, .x = x, .rate = 0.25}, {});
            expected = 0.75 * expected + 0.25 * weight;
        }
        REQUIRE(at(average, 0) == expected);  // 2.84375, exact in both
        REQUIRE(expected == 0.75 * (0.75 * (0.75 * 8 + 0.25) - 0.5) + 0.125);
    }
}

TEST_CASE("Adam with eps beside the root of the uncorrected moment is AdamW with eps over the root of the correction") {
    // TensorFlow: lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m/(√v + eps).
    const Owned w = filled(DType::f64, {1}, 0), m = filled(DType::f64, {1}, 0), v = filled(DType::f64, {1}, 0),
                g = filled(DType::f64, {1}, 0);
    double by_hand = 0, m_by_hand = 0, v_by_hand = 0;
    for (int64_t step = 1; step <= 5; ++step) {
        const double gradient = 1e-4 * double(step * step - 7), eps = 1e-3;
        put(g, 0, gradient);
        const StepValues values = step_values(0.1, 0.9, 0.99, step);
        ops.adamw({.master = w,
                   .m = m,
                   .v = v,
                   .grad = g,
                   .step_values = &values,
                   .beta1 = 0.9,
                   .beta2 = 0.99,
                   .eps = eps / std::sqrt(values.correction2),
                   .decay = 0},
                  {});
        m_by_hand = 0.9 * m_by_hand + 0.1 * gradient;
        v_by_hand = 0.99 * v_by_hand + 0.01 * gradient * gradient;
        by_hand -= 0.1 * std::sqrt(1 - std::pow(0.99, double(step))) / (1 - std::pow(0.9, double(step))) * m_by_hand /
                   (std::sqrt(v_by_hand) + eps);
        REQUIRE(at(w, 0) == Approx(by_hand).epsilon(1e-12));
    }
}
