// LayerNorm and RMSNorm of the reference: kernels/layernorm.h, kernels/rmsnorm.h.
#include <catch2/catch.hpp>

#include "kernels/elementwise.h"
#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();
constexpr double eps = 0.1;  // large enough that the gradient of a single channel does not cancel to 0

struct Variant {
    bool bias, fused, residual;
};
const std::vector<Variant> variants = {
    {true, false, false}, {false, false, true}, {true, true, true}, {false, true, false}};

std::string label(const char* op, Rows r, Variant v) {
    return std::string(op) + " [" + std::to_string(r.N) + "," + std::to_string(r.C) + "]" + (v.bias ? ", bias" : "") +
           (v.fused ? ", fused" : "") + (v.residual ? ", residual" : "");
}

// The tensors of one forward call of either norm, in one dtype.
struct Call {
    Owned a, b, gain, bias, y, x, mean, rstd;

    Call(DType t, Rows r)
        : a(random(1, t, {r.N, r.C}, 2, 0.5)),
          b(random(2, t, {r.N, r.C})),
          gain(random(3, t, {r.C}, 0.5, 1)),
          bias(random(4, t, {r.C})),
          y(t, {r.N, r.C}),
          x(t, {r.N, r.C}),
          mean(accumulator_of(t), {r.N}),
          rstd(accumulator_of(t), {r.N}) {}

    const Tensor& input(Variant v) const { return v.fused ? x : a; }  // the normalised tensor

    void layernorm(Variant v, double epsilon = eps) {
        if (v.fused)
            ops.add_layernorm_forward({.y = y,
                                       .x = x,
                                       .mean = mean,
                                       .rstd = rstd,
                                       .a = a,
                                       .b = b,
                                       .gain = gain,
                                       .bias = when(v.bias, bias),
                                       .eps = epsilon},
                                      {});
        else
            ops.layernorm_forward(
                {.y = y, .mean = mean, .rstd = rstd, .x = a, .gain = gain, .bias = when(v.bias, bias), .eps = epsilon},
                {});
    }
    void rmsnorm(Variant v, double epsilon = eps) {
        if (v.fused)
            ops.add_rmsnorm_forward({.y = y, .x = x, .rstd = rstd, .a = a, .b = b, .gain = gain, .eps = epsilon}, {});
        else ops.rmsnorm_forward({.y = y, .rstd = rstd, .x = a, .gain = gain, .eps = epsilon}, {});
    }
};

double mean_of(const Tensor& t, int64_t row, int power) {
    double sum = 0;
    for (int64_t c = 0; c < t.last(); ++c) sum += std::pow(at(t, row * t.last() + c), power);
    return sum / double(t.last());
}

}  // namespace

TEST_CASE("the backward of layernorm is the derivative of its forward") {
    for (Rows r : awkward_rows)
        for (Variant v : variants) {
            Call real(DType::f64, r), probe(DType::c128, r);
            real.layernorm(v);
            const Owned d_y = random(5, DType::f64, {r.N, r.C}), d_residual = random(6, DType::f64, {r.N, r.C});
            const Owned gain_before = random(7, DType::f64, {r.C}), bias_before = random(8, DType::f64, {r.C});
            Owned d_x = poisoned(DType::f64, {r.N, r.C}), d_gain = copy_of(gain_before), d_bias = copy_of(bias_before);
            ops.layernorm_backward({.d_x = d_x,
                                    .d_gain = d_gain,
                                    .d_bias = when(v.bias, d_bias),
                                    .d_y = d_y,
                                    .d_residual = when(v.residual, d_residual),
                                    .x = real.input(v),
                                    .gain = real.gain,
                                    .mean = real.mean,
                                    .rstd = real.rstd},
                                   {});

            const Owned of_gain = added(d_gain, gain_before), of_bias = added(d_bias, bias_before);
            std::vector<Derivative> inputs = {{"a", probe.a, d_x}, {"gain", probe.gain, of_gain}};
            if (v.fused) inputs.push_back({"b", probe.b, d_x});
            if (v.bias) inputs.push_back({"bias", probe.bias, of_bias});
            const std::string wrong = wrong_gradient(label("layernorm", r, v), inputs, [&] {
                probe.layernorm(v);
                return functional(probe.y, d_y) + (v.residual ? functional(probe.input(v), d_residual) : c128(0));
            });
            REQUIRE(wrong == "");
        }
}

TEST_CASE("the backward of rmsnorm is the derivative of its forward") {
    for (Rows r : awkward_rows)
        for (Variant v : variants) {
            Call real(DType::f64, r), probe(DType::c128, r);
            real.rmsnorm(v);
            const Owned d_y = random(5, DType::f64, {r.N, r.C}), d_residual = random(6, DType::f64, {r.N, r.C});
            const Owned gain_before = random(7, DType::f64, {r.C});
            Owned d_x = poisoned(DType::f64, {r.N, r.C}), d_gain = copy_of(gain_before);
            ops.rmsnorm_backward({.d_x = d_x,
                                  .d_gain = d_gain,
                                  .d_y = d_y,
                                  .d_residual = when(v.residual, d_residual),
                                  .x = real.input(v),
                                  .gain = real.gain,
                                  .rstd = real.rstd},
                                 {});

            const Owned of_gain = added(d_gain, gain_before);
            std::vector<Derivative> inputs = {{"a", probe.a, d_x}, {"gain", probe.gain, of_gain}};
            if (v.fused) inputs.push_back({"b", probe.b, d_x});
            const std::string wrong = wrong_gradient(label("rmsnorm", r, v), inputs, [&] {
                probe.rmsnorm(v);
                return functional(probe.y, d_y) + (v.residual ? functional(probe.input(v), d_residual) : c128(0));
            });
            REQUIRE(wrong == "");
        }
}

TEST_CASE("a row after layernorm has mean 0 and variance 1 before gain and bias") {
    Call c(DType::f64, {5, 33});
    for (int64_t i = 0; i < c.gain.size(); ++i) put(c.gain, i, 1);
    c.layernorm({}, 0);
    for (int64_t n = 0; n < 5; ++n) {
        REQUIRE(std::abs(mean_of(c.y, n, 1)) <= 1e-15);
        REQUIRE(std::abs(mean_of(c.y, n, 2) - 1) <= 1e-14);
        REQUIRE(std::abs(at(c.mean, n) - mean_of(c.a, n, 1)) <= 1e-15);
        const double variance = mean_of(c.a, n, 2) - std::pow(mean_of(c.a, n, 1), 2);
        REQUIRE(std::abs(at(c.rstd, n) * std::sqrt(variance) - 1) <= 1e-14);
    }
}

TEST_CASE("a row after rmsnorm has mean square 1 before the gain") {
    Call c(DType::f64, {5, 33});
    for (int64_t i = 0; i < c.gain.size(); ++i) put(c.gain, i, 1);
    c.rmsnorm({}, 0);
    for (int64_t n = 0; n < 5; ++n) {
        REQUIRE(std::abs(mean_of(c.y, n, 2) - 1) <= 1e-14);
        REQUIRE(std::abs(at(c.rstd, n) * std::sqrt(mean_of(c.a, n, 2)) - 1) <= 1e-14);
    }
}

TEST_CASE("gain and bias apply to each channel of the normalised row") {
    Call plain(DType::f64, {3, 8}), full(DType::f64, {3, 8});
    for (int64_t c = 0; c < 8; ++c) put(plain.gain, c, 1);
    plain.layernorm({});
    full.layernorm({.bias = true});
    Owned want = copy_of(plain.y);
    for (int64_t i = 0; i < want.size(); ++i)
        put(want, i, at(full.gain, i % 8) * at(plain.y, i) + at(full.bias, i % 8));
    REQUIRE(difference("layernorm_forward y", full.y, want, 1e-15, 1e-15) == "");
}

TEST_CASE("layernorm is invariant to shift and scale of a row, rmsnorm to scale") {
    Call layer(DType::f64, {3, 8}), moved(DType::f64, {3, 8}), rms(DType::f64, {3, 8}), longer(DType::f64, {3, 8});
    for (int64_t i = 0; i < layer.a.size(); ++i) {
        put(moved.a, i, 3 * at(layer.a, i) - 7);
        put(longer.a, i, 3 * at(rms.a, i));
    }
    layer.layernorm({}, 0);
    moved.layernorm({}, 0);
    REQUIRE(difference("layernorm_forward y", moved.y, layer.y, 1e-13, 1e-13) == "");
    rms.rmsnorm({}, 0);
    longer.rmsnorm({}, 0);
    REQUIRE(difference("rmsnorm_forward y", longer.y, rms.y, 1e-14, 1e-14) == "");
}

TEST_CASE("the variance of layernorm is accurate with a mean that is much larger") {
    Call c(DType::f32, {3, 65});
    for (int64_t i = 0; i < c.a.size(); ++i) put(c.a, i, 4096 + double(i % 2));
    c.layernorm({}, 0);
    for (int64_t n = 0; n < 3; ++n) REQUIRE(std::abs(at(c.rstd, n) - 2) <= 0.01);
}

TEST_CASE("the fused norms equal an add and a norm, bit for bit, also in place of the first summand") {
    for (bool rms : {false, true}) {
        Call fused(DType::f32, {7, 33}), apart(DType::f32, {7, 33}), in_place(DType::f32, {7, 33});
        Owned sum = poisoned(DType::f32, {7, 33});
        ops.add({.y = sum, .a = apart.a, .b = apart.b}, {});
        apart.a = std::move(sum);
        auto run = [&](Call& c, Variant v) { rms ? c.rmsnorm(v) : c.layernorm(v); };
        run(fused, {.fused = true});
        run(apart, {});
        REQUIRE(same_bits(fused.x, apart.a));
        REQUIRE(same_bits(fused.y, apart.y));
        REQUIRE(same_bits(fused.rstd, apart.rstd));

        Call& c = in_place;
        if (rms)
            ops.add_rmsnorm_forward(
                {.y = c.y, .x = c.a, .rstd = c.rstd, .a = c.a, .b = c.b, .gain = c.gain, .eps = eps}, {});
        else
            ops.add_layernorm_forward(
                {.y = c.y, .x = c.a, .mean = c.mean, .rstd = c.rstd, .a = c.a, .b = c.b, .gain = c.gain, .eps = eps},
                {});
        REQUIRE(same_bits(c.a, fused.x));
        REQUIRE(same_bits(c.y, fused.y));
    }
}

TEST_CASE("the backward of a norm gives the same bits in place of the gradient or of the residual") {
    for (bool rms : {false, true}) {
        Call c(DType::f32, {7, 33});
        rms ? c.rmsnorm({}) : c.layernorm({});
        auto backward = [&](const Tensor& d_x, const Tensor& d_y, const Tensor& d_residual) {
            Owned d_gain = filled(DType::f32, {33}, 0);
            if (rms)
                ops.rmsnorm_backward({.d_x = d_x,
                                      .d_gain = d_gain,
                                      .d_y = d_y,
                                      .d_residual = d_residual,
                                      .x = c.a,
                                      .gain = c.gain,
                                      .rstd = c.rstd},
                                     {});
            else
                ops.layernorm_backward({.d_x = d_x,
                                        .d_gain = d_gain,
                                        .d_y = d_y,
                                        .d_residual = d_residual,
                                        .x = c.a,
                                        .gain = c.gain,
                                        .mean = c.mean,
                                        .rstd = c.rstd},
                                       {});
        };
        const Owned d_y = random(5, DType::f32, {7, 33}), d_residual = random(6, DType::f32, {7, 33});
        const Owned over_d_y = copy_of(d_y), over_d_residual = copy_of(d_residual),
                    apart = poisoned(DType::f32, {7, 33});
        backward(apart, d_y, d_residual);
        backward(over_d_y, over_d_y, d_residual);
        backward(over_d_residual, d_y, over_d_residual);
        REQUIRE(same_bits(over_d_y, apart));
        REQUIRE(same_bits(over_d_residual, apart));
    }
}
