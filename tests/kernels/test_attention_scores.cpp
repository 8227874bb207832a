// The score functions of attention in the reference, and the tables that they read: kernels/attention_score.h, attention_bias.h.
#include <catch2/catch.hpp>

#include "kernels/attention.h"
#include "kernels/attention_bias.h"
#include "kernels/cpu/attention_score.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Heads shape = {2, 7, 4, 2, 3};
constexpr double scale = 0.8;
constexpr int64_t queries = 14, channels = 12, row = 24;

struct Outcome {
    Owned y, lse;
};

Outcome forward(const Tensor& qkv, const Mask& m, const AttentionScore& score) {
    const auto [q, k, v] = packed_heads(qkv, shape.H, shape.G, shape.D);
    Outcome o = {Owned(qkv.dtype, {queries, channels}), Owned(qkv.dtype, {shape.B, shape.H, shape.T})};
    reference_ops().attention_forward({.y = o.y,
                                       .lse = o.lse,
                                       .q = q,
                                       .k = k,
                                       .v = v,
                                       .lo = m.lo,
                                       .hi = m.hi,
                                       .B = shape.B,
                                       .Tq = shape.T,
                                       .Tk = shape.T,
                                       .H = shape.H,
                                       .G = shape.G,
                                       .D = shape.D,
                                       .scale = scale,
                                       .score = score},
                                      {});
    return o;
}

Owned backward(const Tensor& qkv, const Tensor& d_y, const Mask& m, const AttentionScore& score,
               const Tensor& d_bias = {}) {
    const Outcome o = forward(qkv, m, score);
    Owned d_qkv(qkv.dtype, qkv.shape), delta(o.lse.dtype, o.lse.shape);
    const auto [q, k, v] = packed_heads(qkv, shape.H, shape.G, shape.D);
    const auto [d_q, d_k, d_v] = packed_heads(d_qkv, shape.H, shape.G, shape.D);
    reference_ops().attention_backward({.d_q = d_q,
                                        .d_k = d_k,
                                        .d_v = d_v,
                                        .delta = delta,
                                        .d_bias = d_bias,
                                        .d_y = d_y,
                                        .q = q,
                                        .k = k,
                                        .v = v,
                                        .y = o.y,
                                        .lse = o.lse,
                                        .lo = m.lo,
                                        .hi = m.hi,
                                        .B = shape.B,
                                        .Tq = shape.T,
                                        .Tk = shape.T,
                                        .H = shape.H,
                                        .G = shape.G,
                                        .D = shape.D,
                                        .scale = scale,
                                        .score = score},
                                       {});
    return d_qkv;
}

// s' of a sequence with one key more than none: lse of a query with a single key is its score.
double single_score(const AttentionScore& score, double s, int64_t h, int64_t t, int64_t u) {
    double result = 0;
    by_score<double>(score, [&](const auto& f) { result = QueryScore<std::decay_t<decltype(f)>>(f, 0, h, t)(s, u); });
    return result;
}

// The bucket as T5's code computes it, with logarithms in double.
double bucket_in_double(double r, int n, int farthest) {
    const int exact = n / 2;
    return r < exact ? r
                     : std::min(n - 1., exact + std::log(r / exact) / std::log(double(farthest) / exact) * (n - exact));
}

}  // namespace

TEST_CASE("the backward of attention with a soft cap or ALiBi is the derivative of its forward, with every mask") {
    const Owned qkv = random(1, DType::f64, {queries, row}, 1.5), d_y = random(2, DType::f64, {queries, channels});
    const Owned probe = converted(qkv, DType::c128);
    const Owned slopes = made(DType::f64, {shape.H}, [](int64_t h) { return std::exp2(-2.0 * double(h + 1)); });
    const Owned probe_slopes = converted(slopes, DType::c128);
    for (const Mask& m : masks(shape.B, shape.T)) {
        for (double cap : {0.7, 30.0})
            REQUIRE(wrong_gradient("soft cap, " + m.name, {{"qkv", probe, backward(qkv, d_y, m, SoftCap{cap})}},
                                   [&] { return functional(forward(probe, m, SoftCap{cap}).y, d_y); }) == "");
        REQUIRE(wrong_gradient("ALiBi, " + m.name, {{"qkv", probe, backward(qkv, d_y, m, Alibi{slopes})}},
                               [&] { return functional(forward(probe, m, Alibi{probe_slopes}).y, d_y); }) == "");
    }
}

TEST_CASE("the gradients of attention with a relative bias, that of the bias too, are derivatives of its forward") {
    const Owned qkv = random(1, DType::f64, {queries, row}, 1.5), d_y = random(2, DType::f64, {queries, channels});
    const Owned probe = converted(qkv, DType::c128);
    for (const Mask& m : masks(shape.B, shape.T))
        for (int reach : {0, 1, 3, 6, 20}) {
            const Owned bias = random(3, DType::f64, {shape.H, 2 * reach + 1}),
                        before = random(4, DType::f64, bias.shape), after = copy_of(before),
                        probe_bias = converted(bias, DType::c128);
            const Owned d_qkv = backward(qkv, d_y, m, RelativeBias{bias}, after);
            const std::string wrong = wrong_gradient(
                "relative bias, " + m.name, {{"qkv", probe, d_qkv}, {"bias", probe_bias, added(after, before), 1}},
                [&] { return functional(forward(probe, m, RelativeBias{probe_bias}).y, d_y); });
            REQUIRE(wrong == "");
        }
}

TEST_CASE("a soft cap is the identity near 0 and never above the cap") {
    for (double s : {-1e-3, 0.0, 2e-3}) REQUIRE(single_score(SoftCap{50}, s, 0, 0, 0) == Approx(s).epsilon(1e-8));
    for (double s : {-1e9, -51.0, 49.0, 1e9}) REQUIRE(std::abs(single_score(SoftCap{50}, s, 0, 0, 0)) <= 50);
    REQUIRE(single_score(SoftCap{50}, 1e9, 0, 0, 0) == 50);
}

TEST_CASE("ALiBi lowers a score by its head's slope for each token between query and key") {
    const Owned slopes = made(DType::f64, {2}, [](int64_t h) { return h ? 0.25 : 0.5; });
    REQUIRE(single_score(Alibi{slopes}, 1, 0, 10, 7) == 1 - 3 * 0.5);
    REQUIRE(single_score(Alibi{slopes}, 1, 1, 10, 10) == 1);
    REQUIRE(single_score(Alibi{slopes}, 1, 1, 10, 12) == 1 + 2 * 0.25);
}

TEST_CASE("a relative bias reads the column of its distance, and the nearest end beyond") {
    const Owned bias = made(DType::f64, {2, 5}, [](int64_t i) { return 10. * double(i / 5) + double(i % 5); });
    for (const auto& [u, column] :
         std::vector<std::pair<int, int>>{{0, 0}, {17, 0}, {18, 0}, {19, 1}, {20, 2}, {22, 4}, {23, 4}, {400, 4}})
        REQUIRE(single_score(RelativeBias{bias}, 0.5, 1, 20, u) == 10.5 + column);
}

TEST_CASE("the slopes of ALiBi are those of the paper, for powers of two and numbers between") {
    REQUIRE(alibi_slopes(1) == std::vector<float>{0x1p-8f});
    REQUIRE(alibi_slopes(8) == std::vector<float>{0.5f, 0.25f, 0.125f, 0.0625f, 0x1p-5f, 0x1p-6f, 0x1p-7f, 0x1p-8f});
    REQUIRE(alibi_slopes(3) == std::vector<float>{0x1p-4f, 0x1p-8f, 0x1p-2f});
    const std::vector<float> of_12 = alibi_slopes(12), of_16 = alibi_slopes(16);
    for (size_t h = 0; h < 8; ++h) REQUIRE(of_12[h] == of_16[2 * h + 1]);
    for (size_t h = 0; h < 4; ++h) REQUIRE(of_12[8 + h] == of_16[2 * h]);
}

TEST_CASE("the buckets of relative distances are T5's") {
    const RelativeBuckets both, past = {.bidirectional = false};
    // Where the logarithm is a whole number, the bucket begins.
    for (const auto& [r, bucket] :
         std::vector<std::pair<int, int>>{{0, 0},   {1, 1},   {7, 7},   {8, 8},   {11, 8},   {12, 9},   {15, 9},
                                          {16, 10}, {22, 10}, {23, 11}, {31, 11}, {32, 12},  {45, 12},  {46, 13},
                                          {63, 13}, {64, 14}, {90, 14}, {91, 15}, {127, 15}, {128, 15}, {5000, 15}}) {
        REQUIRE(relative_bucket(both, -r) == bucket);
        REQUIRE(relative_bucket(both, r) == (r ? 16 + bucket : 0));
    }
    for (int r = 0; r < 200; ++r) {
        REQUIRE(relative_bucket(past, r) == 0);
        for (const auto& [n, farthest] : std::vector<std::pair<int, int>>{{32, 128}, {32, 100}, {10, 999}, {64, 129}}) {
            const double exact = bucket_in_double(r, n, farthest);
            if (std::abs(exact - std::round(exact)) < 1e-9) continue;  // not to be trusted
            REQUIRE(relative_bucket({.buckets = n, .farthest = farthest, .bidirectional = false}, -r) == int(exact));
        }
    }
}

TEST_CASE("the hyperbolic tangent of a register is within 2.5 units in the last place, odd, and tends to 1") {
    using namespace cpu;
    double worst = 0;
    for (int i = 0; i < 1 << 18; ++i) {
        const float x = std::ldexp(1 + float(i) * 0x1p-18f, i % 12 - 8);
        const float got = hyperbolic_tangent(splat(x))[i % width];
        const double want = std::tanh(double(x)), unit = std::nextafter(float(want), 2.f) - double(float(want));
        worst = std::max(worst, std::abs(got - want) / unit);
        if (hyperbolic_tangent(splat(-x))[0] != -got) worst = INFINITY;
    }
    REQUIRE(worst <= 2.5);
    REQUIRE(hyperbolic_tangent(splat(0))[0] == 0);
    for (float x : {20.f, 1e30f, INFINITY}) REQUIRE(hyperbolic_tangent(splat(x))[0] == 1);
    REQUIRE(std::isnan(hyperbolic_tangent(splat(NAN))[0]));
}
