// Rope of the reference: kernels/rope.h.
#include <catch2/catch.hpp>

#include "kernels/rope.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();
constexpr int N = 5, P = 9;

// rope_table[p,i] = (cos, sin)(p · 10^−i)
Owned rope_table_of(DType dtype, int R) {
    Owned t(dtype, {P, R, 2});
    for (int p = 0; p < P; ++p)
        for (int i = 0; i < R; ++i) {
            const double angle = p * std::pow(10, -i);
            put(t, (p * R + i) * 2, std::cos(angle));
            put(t, (p * R + i) * 2 + 1, std::sin(angle));
        }
    return t;
}

struct Rotation {
    int heads, D, R, W;
};
// Full and partial rotation, an odd width, rows with heads that are not rotated.
const std::vector<Rotation> shapes = {{1, 2, 1, 2}, {2, 6, 3, 12}, {2, 6, 2, 18}, {3, 5, 2, 25}};

}  // namespace

TEST_CASE("the backward of rope is the derivative of its forward, in both layouts") {
    for (RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved})
        for (const Rotation& s : shapes) {
            const Owned positions = integers(1, {N}, 0, P), rope_table = rope_table_of(DType::f64, s.R);
            const Owned d_y = random(2, DType::f64, {N, s.W}), d_x = copy_of(d_y);
            ops.rope_backward({.x = d_x,
                               .positions = positions,
                               .rope_table = rope_table,
                               .heads = s.heads,
                               .D = s.D,
                               .layout = layout},
                              {});

            const Owned x = random(3, DType::c128, {N, s.W}), complex_table = rope_table_of(DType::c128, s.R);
            const std::string wrong = wrong_gradient("rope", {{"x", x, d_x}}, [&] {
                const Owned y = copy_of(x);
                ops.rope_forward({.x = y,
                                  .positions = positions,
                                  .rope_table = complex_table,
                                  .heads = s.heads,
                                  .D = s.D,
                                  .layout = layout},
                                 {});
                return functional(y, d_y);
            });
            REQUIRE(wrong == "");
        }
}

TEST_CASE("rope keeps the norm of every head and does not change other channels") {
    for (RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved})
        for (auto [heads, D, R, W] : shapes) {
            const Owned x = random(1, DType::f64, {N, W}), y = copy_of(x), positions = integers(2, {N}, 1, P);
            const Owned rope_table = rope_table_of(DType::f64, R);
            ops.rope_forward(
                {.x = y, .positions = positions, .rope_table = rope_table, .heads = heads, .D = D, .layout = layout},
                {});
            for (int64_t n = 0; n < N; ++n) {
                for (int64_t h = 0; h < heads; ++h) {
                    double before = 0, after = 0;
                    for (int64_t d = 0; d < D; ++d) {
                        const int64_t i = n * W + h * D + d;
                        before += at(x, i) * at(x, i);
                        after += at(y, i) * at(y, i);
                        REQUIRE((at(y, i) == at(x, i)) == (d >= 2 * R));
                    }
                    REQUIRE(std::abs(after - before) <= 1e-14 * before);
                }
                for (int64_t i = n * W + heads * D; i < (n + 1) * W; ++i) REQUIRE(at(y, i) == at(x, i));
            }
        }
}

TEST_CASE("rope's backward inverts its forward, and position 0 is not rotated") {
    const Owned x = random(1, DType::f64, {N, 18}), y = copy_of(x), rope_table = rope_table_of(DType::f64, 3);
    const Owned positions = integers(2, {N}, 0, P), zero = filled(DType::i32, {N}, 0);
    ops.rope_forward({.x = y, .positions = positions, .rope_table = rope_table, .heads = 3, .D = 6}, {});
    ops.rope_backward({.x = y, .positions = positions, .rope_table = rope_table, .heads = 3, .D = 6}, {});
    REQUIRE(difference("rope there and back", y, x, 1e-15, 1e-15) == "");
    const Owned still = copy_of(x);
    ops.rope_forward({.x = still, .positions = zero, .rope_table = rope_table, .heads = 3, .D = 6}, {});
    REQUIRE(same_bits(still, x));
}

TEST_CASE("the dot product of a rotated query and key depends only on their distance") {
    const Owned rope_table = rope_table_of(DType::f64, 3), q = random(1, DType::f64, {1, 6}),
                k = random(2, DType::f64, {1, 6});
    auto product = [&](int query_position, int key_position, RopeLayout layout) {
        const Owned pair[] = {copy_of(q), copy_of(k)};
        for (int i : {0, 1}) {
            const Owned position = filled(DType::i32, {1}, i ? key_position : query_position);
            ops.rope_forward(
                {.x = pair[i], .positions = position, .rope_table = rope_table, .heads = 1, .D = 6, .layout = layout},
                {});
        }
        double sum = 0;
        for (int64_t d = 0; d < 6; ++d) sum += at(pair[0], d) * at(pair[1], d);
        return sum;
    };
    for (RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved}) {
        for (int shift = 1; shift < 6; ++shift)
            REQUIRE(std::abs(product(3 + shift, 1 + shift, layout) - product(3, 1, layout)) <= 1e-14);
        REQUIRE(std::abs(product(4, 1, layout) - product(3, 1, layout)) >= 1e-3);
    }
}

TEST_CASE("the interleaved layout equals the half-split one with permuted channels") {
    constexpr int R = 3, D = 7;
    const Owned rope_table = rope_table_of(DType::f64, R), positions = integers(1, {N}, 0, P);
    const Owned halves = random(2, DType::f64, {N, D}), woven = copy_of(halves);
    auto weave = [&](int64_t n, int64_t i) { return std::array{n * D + i, n * D + 2 * (i % R) + i / R}; };
    for (int64_t n = 0; n < N; ++n)
        for (int64_t i = 0; i < 2 * R; ++i) put(woven, weave(n, i)[1], at(halves, weave(n, i)[0]));
    ops.rope_forward({.x = halves, .positions = positions, .rope_table = rope_table, .heads = 1, .D = D}, {});
    ops.rope_forward({.x = woven,
                      .positions = positions,
                      .rope_table = rope_table,
                      .heads = 1,
                      .D = D,
                      .layout = RopeLayout::interleaved},
                     {});
    for (int64_t n = 0; n < N; ++n)
        for (int64_t i = 0; i < 2 * R; ++i) REQUIRE(at(woven, weave(n, i)[1]) == at(halves, weave(n, i)[0]));
}
