// Dropout of the reference: kernels/dropout.h.
#include <catch2/catch.hpp>

#include "kernels/dropout.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();

Owned dropped(const Tensor& x, double p, uint64_t key, int64_t first_row = 0) {
    Owned y(x.dtype, x.shape);
    ops.dropout({.y = y, .x = x, .p = p, .key = &key, .first_row = first_row}, {});
    return y;
}

}  // namespace

TEST_CASE("the backward of dropout is dropout of the gradient") {
    for (Rows r : awkward_rows) {
        const Owned d_y = random(1, DType::f64, {r.N, r.C}), d_x = dropped(d_y, 0.3, 42, 5);
        const Owned probe = random(2, DType::c128, {r.N, r.C});
        const std::string wrong =
            wrong_gradient("dropout", {{"x", probe, d_x}}, [&] { return functional(dropped(probe, 0.3, 42, 5), d_y); });
        REQUIRE(wrong == "");
    }
}

TEST_CASE("an element is dropped if its word of Philox is below p, and scaled up otherwise") {
    const Owned x = random(1, DType::f64, {7, 33}), y = dropped(x, 0.3, 42, 5);
    for (int64_t n = 0; n < 7; ++n)
        for (int64_t c = 0; c < 33; ++c) {
            const uint32_t word = Philox{42}.words(uint64_t(5 + n), uint64_t(c) / 4)[size_t(c % 4)];
            const double want = word * 0x1p-32 < 0.3 ? 0 : at(x, n * 33 + c) / 0.7;
            REQUIRE(at(y, n * 33 + c) == want);
        }
}

TEST_CASE("dropout keeps the mean and drops a fraction p") {
    const Owned ones = filled(DType::f64, {64, 256}, 1);
    for (double p : {0.1, 0.5, 0.9}) {
        const Owned y = dropped(ones, p, 7);
        double sum = 0, fallen = 0;
        for (int64_t i = 0; i < y.size(); ++i) {
            sum += at(y, i);
            fallen += at(y, i) == 0;
        }
        const double n = double(y.size()), deviation = std::sqrt(p * (1 - p) / n);
        REQUIRE(std::abs(fallen / n - p) <= 4 * deviation);
        REQUIRE(std::abs(sum / n - 1) <= 4 * deviation / (1 - p));
    }
}

TEST_CASE("the mask of a row does not depend on the split of the batch, the width or the dtype") {
    const Owned x = filled(DType::f32, {8, 10}, 1), y = dropped(x, 0.4, 3, 100);
    for (int64_t first = 0; first < 8; ++first)
        REQUIRE(same_bits(dropped(x.slice(first, 1), 0.4, 3, 100 + first), y.slice(first, 1)));
    const Owned narrow = dropped(filled(DType::f64, {8, 6}, 1), 0.4, 3, 100);
    for (int64_t n = 0; n < 8; ++n)
        for (int64_t c = 0; c < 6; ++c) REQUIRE((at(narrow, n * 6 + c) == 0) == (at(y, n * 10 + c) == 0));
}

TEST_CASE("another key gives another mask, p = 0 drops nothing, and in place the result is the same") {
    const Owned x = random(1, DType::f32, {7, 33}), y = dropped(x, 0.5, 1), in_place = copy_of(x);
    REQUIRE_FALSE(same_bits(dropped(x, 0.5, 2), y));
    REQUIRE(same_bits(dropped(x, 0, 1), x));
    const uint64_t key = 1;
    ops.dropout({.y = in_place, .x = in_place, .p = 0.5, .key = &key, .first_row = 0}, {});
    REQUIRE(same_bits(in_place, y));
}
