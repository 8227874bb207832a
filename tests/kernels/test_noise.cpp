// Noise of the reference: kernels/noise.h.
#include <catch2/catch.hpp>

#include "kernels/noise.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();

Owned noisy(const Tensor& x, const Tensor& amplitude, uint64_t key, int64_t first_row = 0) {
    Owned y(x.dtype, x.shape);
    ops.add_noise({.y = y, .x = x, .amplitude = amplitude, .key = &key, .first_row = first_row}, {});
    return y;
}

}  // namespace

TEST_CASE("the backward of noise is the gradient itself") {
    for (Rows r : awkward_rows) {
        const Owned d_y = random(1, DType::f64, {r.N, r.C}), probe = random(2, DType::c128, {r.N, r.C}),
                    amplitude = random(3, DType::c128, {r.N});
        const std::string wrong = wrong_gradient("add_noise", {{"x", probe, d_y}},
                                                 [&] { return functional(noisy(probe, amplitude, 42, 5), d_y); });
        REQUIRE(wrong == "");
    }
}

TEST_CASE("an element gets its row's amplitude times its word of Philox, between -1 and 1") {
    const Owned x = random(1, DType::f64, {7, 33}), amplitude = random(2, DType::f64, {7}),
                y = noisy(x, amplitude, 42, 5);
    for (int64_t n = 0; n < 7; ++n)
        for (int64_t c = 0; c < 33; ++c) {
            const uint32_t word = Philox{42}.words(uint64_t(5 + n), uint64_t(c) / 4)[size_t(c % 4)];
            REQUIRE(at(y, n * 33 + c) == at(x, n * 33 + c) + at(amplitude, n) * (word * 0x1p-31 - 1));
        }
}

TEST_CASE("noise is uniform between -1 and 1: its mean is 0 and its square 1/3") {
    const Owned zeros = filled(DType::f64, {64, 256}, 0), y = noisy(zeros, filled(DType::f64, {64}, 1), 7);
    double sum = 0, squares = 0, least = 1, largest = -1;
    for (int64_t i = 0; i < y.size(); ++i) {
        sum += at(y, i);
        squares += at(y, i) * at(y, i);
        least = std::min(least, at(y, i));
        largest = std::max(largest, at(y, i));
    }
    const double n = double(y.size());
    REQUIRE(std::abs(sum / n) <= 4 * std::sqrt(1 / (3 * n)));
    REQUIRE(std::abs(squares / n - 1.0 / 3) <= 4 * std::sqrt(4 / (45 * n)));
    REQUIRE((least >= -1 && least < -0.999 && largest < 1 && largest > 0.999));
}

TEST_CASE("the noise of a row does not depend on the split of the batch, and another key gives other noise") {
    const Owned x = random(1, DType::f32, {8, 10}), ones = filled(DType::f32, {8}, 1), y = noisy(x, ones, 3, 100);
    const Owned one = filled(DType::f32, {1}, 1);
    for (int64_t first = 0; first < 8; ++first)
        REQUIRE(same_bits(noisy(x.slice(first, 1), one, 3, 100 + first), y.slice(first, 1)));
    REQUIRE_FALSE(same_bits(noisy(x, ones, 4, 100), y));
    REQUIRE(same_bits(noisy(x, filled(DType::f32, {8}, 0), 3, 100), x));
}
