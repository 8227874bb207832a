// Dot products of rows of the reference: kernels/row_dot.h.
#include <catch2/catch.hpp>

#include "kernels/linear.h"
#include "kernels/row_dot.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();

}  // namespace

TEST_CASE("the backward of row_dot is the derivative of its forward") {
    for (Rows r : awkward_rows) {
        const Owned x = random(1, DType::f64, {r.N, r.C}), w = random(2, DType::f64, {r.C});
        const Owned d_y = random(3, DType::f64, {r.N}), before = random(4, DType::f64, {r.C});
        const Owned d_x = poisoned(DType::f64, {r.N, r.C}), d_w = copy_of(before);
        ops.row_dot_backward({.d_x = d_x, .d_w = d_w, .d_y = d_y, .x = x, .w = w}, {});

        const Owned x_probe = converted(x, DType::c128), w_probe = converted(w, DType::c128);
        const Owned y = poisoned(DType::c128, {r.N}), of_w = added(d_w, before);
        const std::string wrong = wrong_gradient("row_dot", {{"x", x_probe, d_x}, {"w", w_probe, of_w}}, [&] {
            ops.row_dot_forward({.y = y, .x = x_probe, .w = w_probe}, {});
            return functional(y, d_y);
        });
        REQUIRE(wrong == "");
    }
}

TEST_CASE("row_dot is a linear layer with one output") {
    const Owned x = random(1, DType::f64, {7, 5}), w = random(2, DType::f64, {5});
    const Owned y = poisoned(DType::f64, {7}), want = poisoned(DType::f64, {7, 1});
    ops.row_dot_forward({.y = y, .x = x, .w = w}, {});
    ops.linear_forward({.y = want, .x = x, .w = w.view({1, 5})}, {});
    for (int64_t n = 0; n < 7; ++n) REQUIRE(at(y, n) == at(want, n));
}
