// Dot products of rows of any backend against the reference.
#include "kernels/row_dot.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// Beside the awkward ones: many rows of whole packs of 16 bytes.
std::vector<Rows> dotted_rows() {
    std::vector<Rows> all = rows();
    return all.insert(all.end(), {{150, 72}, {3, 1032}}), all;
}

}  // namespace

TEST_CASE("dot products of rows are as exact as the naive formula, in the accumulator's dtype") {
    for (const Rows& r : dotted_rows())
        compare(named("row_dot_forward", r), [=](const Side& s) {
            const Owned x = s.in(1, {r.N, r.C}), w = s.in(2, {r.C}), y = s.statistic({r.N});
            s.ops.row_dot_forward({.y = y, .x = x, .w = w}, {});
            return outputs(copy_of(y));
        });
}

TEST_CASE("the gradients of dot products of rows are as exact as the naive formula, and d_w accumulates") {
    for (const Rows& r : dotted_rows())
        compare(named("row_dot_backward", r), [=](const Side& s) {
            const Owned x = s.in(1, {r.N, r.C}), w = s.in(2, {r.C}), d_y = s.sum(3, {r.N});
            const Owned d_x = s.out({r.N, r.C}), d_w = s.sum(4, {r.C});
            s.ops.row_dot_backward({.d_x = d_x, .d_w = d_w, .d_y = d_y, .x = x, .w = w}, {});
            return outputs(copy_of(d_x), copy_of(d_w));
        });
}
