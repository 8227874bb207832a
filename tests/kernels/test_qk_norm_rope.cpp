// The norm and rotation of query and key heads of the reference: kernels/qk_norm_rope.h.
#include <catch2/catch.hpp>

#include "kernels/heads.h"
#include "kernels/qk_norm_rope.h"
#include "kernels/rmsnorm.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();
constexpr int N = 4, H = 3, G = 2, D = 5, R = 2, P = 6;
constexpr double eps = 1e-3;

Owned rope_table_of(DType dtype) {
    return made(dtype, {P, R, 2}, [](int64_t i) {
        const double angle = double(i / 2 / R) / double(1 + i / 2 % R);
        return i % 2 ? std::sin(angle) : std::cos(angle);
    });
}

}  // namespace

TEST_CASE("the norm and rotation of heads equals RMSNorm of every head followed by rope") {
    for (RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved}) {
        const Owned qkv = random(1, DType::f64, {N, (H + 2 * G) * D}), y = copy_of(qkv);
        const Owned q_gain = random(2, DType::f64, {D}), k_gain = random(3, DType::f64, {D});
        const Owned positions = integers(4, {N}, 0, P), rope_table = rope_table_of(DType::f64);
        const Owned q_rstd(DType::f64, {N, H}), k_rstd(DType::f64, {N, G});
        const auto in = packed_heads(qkv, H, G, D), out = packed_heads(y, H, G, D);
        ops.qk_norm_rope_forward({.y_q = out.q,
                                  .y_k = out.k,
                                  .q_rstd = q_rstd,
                                  .k_rstd = k_rstd,
                                  .q = in.q,
                                  .k = in.k,
                                  .q_gain = q_gain,
                                  .k_gain = k_gain,
                                  .positions = positions,
                                  .rope_table = rope_table,
                                  .layout = layout,
                                  .eps = eps},
                                 {});
        const Owned want = copy_of(qkv);
        const auto normalise = [&](const Tensor& heads, const Tensor& view, const Tensor& gain, const Tensor& rstds) {
            const int64_t count = N * view.last() / D;
            const Owned normed(DType::f64, {count, D}), rstd(DType::f64, {count});
            ops.rmsnorm_forward({.y = normed, .rstd = rstd, .x = heads.view({count, D}), .gain = gain, .eps = eps}, {});
            for (int64_t i = 0; i < normed.size(); ++i)
                put(view.slice(i / view.last(), 1), i % view.last(), at(normed, i));
            REQUIRE(same_bits(rstd, rstds.view({count})));
        };
        const auto expected = packed_heads(want, H, G, D);
        normalise(dense(in.q), expected.q, q_gain, q_rstd);
        normalise(dense(in.k), expected.k, k_gain, k_rstd);
        ops.rope_forward(
            {.x = want, .positions = positions, .rope_table = rope_table, .heads = H + G, .D = D, .layout = layout},
            {});
        REQUIRE(same_bits(y, want));
    }
}

TEST_CASE("the backward of the norm and rotation of heads is the derivative of its forward") {
    for (RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved}) {
        const Owned positions = integers(1, {N}, 0, P);
        const Owned d_y_q = random(2, DType::f64, {N, H * D}), d_y_k = random(3, DType::f64, {N, G * D});
        const auto inputs = [](DType t) {
            std::vector<Owned> all;
            for (const Shape& shape : {Shape{N, H * D}, Shape{N, G * D}, Shape{D}, Shape{D}})
                all.push_back(random(4 + all.size(), t, shape));
            return all;
        };
        const auto forward = [&](DType t, const std::vector<Owned>& x) {
            std::vector<Owned> y;
            for (const Shape& shape : {Shape{N, H * D}, Shape{N, G * D}, Shape{N, H}, Shape{N, G}})
                y.emplace_back(t, shape);
            const Owned rope_table = rope_table_of(t);
            ops.qk_norm_rope_forward({.y_q = y[0],
                                      .y_k = y[1],
                                      .q_rstd = y[2],
                                      .k_rstd = y[3],
                                      .q = x[0],
                                      .k = x[1],
                                      .q_gain = x[2],
                                      .k_gain = x[3],
                                      .positions = positions,
                                      .rope_table = rope_table,
                                      .layout = layout,
                                      .eps = eps},
                                     {});
            return y;
        };
        const std::vector<Owned> x = inputs(DType::f64), y = forward(DType::f64, x);
        const Owned rope_table = rope_table_of(DType::f64), d_q = copy_of(d_y_q), d_k(DType::f64, {N, G * D});
        const Owned before_q = random(8, DType::f64, {D}), before_k = random(9, DType::f64, {D});
        const Owned d_q_gain = copy_of(before_q), d_k_gain = copy_of(before_k);
        ops.qk_norm_rope_backward({.d_q = d_q,
                                   .d_k = d_k,
                                   .d_q_gain = d_q_gain,
                                   .d_k_gain = d_k_gain,
                                   .d_y_q = d_q,  // in place
                                   .d_y_k = d_y_k,
                                   .q = x[0],
                                   .k = x[1],
                                   .q_gain = x[2],
                                   .k_gain = x[3],
                                   .q_rstd = y[2],
                                   .k_rstd = y[3],
                                   .positions = positions,
                                   .rope_table = rope_table,
                                   .layout = layout},
                                  {});
        const std::vector<Owned> z = inputs(DType::c128);
        const std::string wrong = wrong_gradient("qk_norm_rope",
                                                 {{"q", z[0], d_q},
                                                  {"k", z[1], d_k},
                                                  {"q_gain", z[2], added(d_q_gain, before_q)},
                                                  {"k_gain", z[3], added(d_k_gain, before_k)}},
                                                 [&] {
                                                     const std::vector<Owned> out = forward(DType::c128, z);
                                                     return functional(out[0], d_y_q) + functional(out[1], d_y_k);
                                                 });
        REQUIRE(wrong == "");
    }
}
