// LayerNorm and RMSNorm of any backend against the reference.
#include "kernels/elementwise.h"
#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr double eps = 1e-3;

// Beside the awkward ones: rows of whole packs of 16 bytes, several of which share a warp.
std::vector<Rows> norm_rows() {
    std::vector<Rows> all = rows();
    if (tested().slow) return all.insert(all.end(), {{70, 64}}), all;
    return all.insert(all.end(), {{70, 64}, {33, 160}}), all;
}

}  // namespace

TEST_CASE("the norms of rows are as exact as the naive formulas") {
    for (const Rows& r : norm_rows())
        for (bool biased : {false, true}) {
            const Shape x_shape = {r.N, r.C}, n_shape = {r.N}, c_shape = {r.C};
            compare(named("layernorm_forward", r), [=](const Side& s) {
                const Owned x = s.in(1, x_shape, 2, 0.5), gain = s.in(2, c_shape), bias = s.in(3, c_shape);
                const Owned y = s.out(x_shape), mean = s.statistic(n_shape), rstd = s.statistic(n_shape);
                s.ops.layernorm_forward(
                    {.y = y, .mean = mean, .rstd = rstd, .x = x, .gain = gain, .bias = when(biased, bias), .eps = eps},
                    {});
                return outputs(copy_of(y), copy_of(mean), copy_of(rstd));
            });
            compare(named("rmsnorm_forward", r), [=](const Side& s) {
                const Owned x = s.in(1, x_shape, 2, 0.5), gain = s.in(2, c_shape), y = s.out(x_shape),
                            rstd = s.statistic(n_shape);
                s.ops.rmsnorm_forward({.y = y, .rstd = rstd, .x = x, .gain = gain, .eps = eps}, {});
                return outputs(copy_of(y), copy_of(rstd));
            });
        }
}

TEST_CASE("the fused norms of a backend normalise the sum as stored, and may overwrite a with it") {
    // In bf16 the sum is rounded before it is normalised, as in add followed by norm, so that backward uses the same row.
    for (const Rows& r : norm_rows())
        for (DType dtype : {DType::f32, DType::bf16})
            for (bool in_place : {false, true}) {
                const Ops& ops = tested().ops;
                const Side s = {ops, dtype, dtype};
                const Shape x_shape = {r.N, r.C}, n_shape = {r.N}, c_shape = {r.C};
                const Owned b = s.in(2, x_shape), gain = s.in(3, c_shape), bias = s.in(4, c_shape),
                            sum = s.out(x_shape);
                const Owned y = s.out(x_shape), want = s.out(x_shape), mean = s.statistic(n_shape),
                            rstd = s.statistic(n_shape);
                const Owned want_mean = s.statistic(n_shape), want_rstd = s.statistic(n_shape);
                for (bool rms : {false, true}) {
                    const Owned a = s.in(1, x_shape, 2, 0.5), apart = s.out(x_shape);
                    const Tensor x = in_place ? Tensor(a) : Tensor(apart);
                    ops.add({.y = sum, .a = a, .b = b}, {});
                    if (rms) {
                        ops.rmsnorm_forward({.y = want, .rstd = want_rstd, .x = sum, .gain = gain, .eps = eps}, {});
                        ops.add_rmsnorm_forward(
                            {.y = y, .x = x, .rstd = rstd, .a = a, .b = b, .gain = gain, .eps = eps}, {});
                    } else {
                        ops.layernorm_forward({.y = want,
                                               .mean = want_mean,
                                               .rstd = want_rstd,
                                               .x = sum,
                                               .gain = gain,
                                               .bias = bias,
                                               .eps = eps},
                                              {});
                        ops.add_layernorm_forward({.y = y,
                                                   .x = x,
                                                   .mean = mean,
                                                   .rstd = rstd,
                                                   .a = a,
                                                   .b = b,
                                                   .gain = gain,
                                                   .bias = bias,
                                                   .eps = eps},
                                                  {});
                        REQUIRE(same_bits(mean, want_mean));
                    }
                    REQUIRE(same_bits(x, sum));
                    REQUIRE(same_bits(y, want));
                    REQUIRE(same_bits(rstd, want_rstd));
                }
            }
}

TEST_CASE("the gradients of norms are as exact as the naive formulas, and accumulate") {
    for (const Rows& r : norm_rows())
        for (bool residual : {false, true}) {
            const Shape x_shape = {r.N, r.C}, n_shape = {r.N}, c_shape = {r.C};
            compare(named("layernorm_backward", r), [=](const Side& s) {
                const Owned x = s.in(1, x_shape), gain = s.in(2, c_shape), d_y = s.in(3, x_shape),
                            d_residual = s.in(4, x_shape);
                const Owned mean = s.sum(5, n_shape, 0.1), rstd = s.sum(6, n_shape, 0.1, 1), d_x = s.out(x_shape);
                const Owned d_gain = s.sum(7, c_shape), d_bias = s.sum(8, c_shape);
                s.ops.layernorm_backward({.d_x = d_x,
                                          .d_gain = d_gain,
                                          .d_bias = when(residual, d_bias),
                                          .d_y = d_y,
                                          .d_residual = when(residual, d_residual),
                                          .x = x,
                                          .gain = gain,
                                          .mean = mean,
                                          .rstd = rstd},
                                         {});
                return outputs(copy_of(d_x), copy_of(d_gain), copy_of(d_bias));
            });
            compare(named("rmsnorm_backward", r), [=](const Side& s) {
                const Owned x = s.in(1, x_shape), gain = s.in(2, c_shape), d_y = s.in(3, x_shape),
                            d_residual = s.in(4, x_shape);
                const Owned rstd = s.sum(6, n_shape, 0.1, 1), d_x = s.out(x_shape), d_gain = s.sum(7, c_shape);
                s.ops.rmsnorm_backward({.d_x = d_x,
                                        .d_gain = d_gain,
                                        .d_y = d_y,
                                        .d_residual = when(residual, d_residual),
                                        .x = x,
                                        .gain = gain,
                                        .rstd = rstd},
                                       {});
                return outputs(copy_of(d_x), copy_of(d_gain));
            });
        }
}

TEST_CASE("the gradients of a backend's norms may overwrite d_y or d_residual") {
    for (const Rows& r : {Rows{19, 45}, Rows{19, 48}})
        for (DType dtype : {DType::f32, DType::bf16})
            for (bool over_d_y : {false, true}) {
                const Side s = {tested().ops, dtype, dtype};
                const Owned x = s.in(1, {r.N, r.C}), gain = s.in(2, {r.C}), mean = s.sum(5, {r.N}, 0.1),
                            rstd = s.sum(6, {r.N}, 0.1, 1);
                const auto run = [&](bool apart) {
                    const Owned d_y = s.in(3, {r.N, r.C}), d_residual = s.in(4, {r.N, r.C}), d_x = s.out({r.N, r.C}),
                                d_gain = s.sum(7, {r.C});
                    const Tensor to = apart ? Tensor(d_x) : over_d_y ? Tensor(d_y) : Tensor(d_residual);
                    s.ops.layernorm_backward({.d_x = to,
                                              .d_gain = d_gain,
                                              .d_y = d_y,
                                              .d_residual = d_residual,
                                              .x = x,
                                              .gain = gain,
                                              .mean = mean,
                                              .rstd = rstd},
                                             {});
                    return outputs(copy_of(to), copy_of(d_gain));
                };
                const Outputs want = run(true), got = run(false);
                REQUIRE(same_bits(got[0], want[0]));
                REQUIRE(same_bits(got[1], want[1]));
            }
}

TEST_CASE("the gradients of norms are the same up to rounding with a small workspace, and with none") {
    for (const Rows& r : {Rows{70, 64}, Rows{21, 768}, Rows{67, 45}})
        for (size_t bytes : {size_t(0), size_t(4 * r.C), size_t(20 * r.C)}) {
            const Workspace small(bytes);
            compare(
                named("layernorm_backward, workspace of " + std::to_string(bytes) + " bytes", r), [=](const Side& s) {
                    const Owned x = s.in(1, {r.N, r.C}), gain = s.in(2, {r.C}), d_y = s.in(3, {r.N, r.C});
                    const Owned mean = s.sum(5, {r.N}, 0.1), rstd = s.sum(6, {r.N}, 0.1, 1), d_x = s.out({r.N, r.C});
                    const Owned d_gain = s.sum(7, {r.C}), d_bias = s.sum(8, {r.C});
                    s.ops.layernorm_backward({.d_x = d_x,
                                              .d_gain = d_gain,
                                              .d_bias = d_bias,
                                              .d_y = d_y,
                                              .x = x,
                                              .gain = gain,
                                              .mean = mean,
                                              .rstd = rstd},
                                             {});
                    return outputs(copy_of(d_x), copy_of(d_gain), copy_of(d_bias));
                });
        }
}

TEST_CASE("the norms take rows of any length: in the registers of one to sixteen warps, or too long for them") {
    for (int64_t C :
         tested().slow ? std::vector<int64_t>{776, 2056} : std::vector<int64_t>{768, 1032, 2056, 4104, 12288, 16392})
        for (DType dtype : {DType::f32, DType::bf16}) {
            const int64_t N = C < 1000 ? 70 : C < 2000 ? 37 : 3;  // sixteen partial sums and more
            const auto run = [=](const Side& s) {
                const Owned a = s.in(1, {N, C}), b = s.in(2, {N, C}), gain = s.in(3, {C}), d_y = s.in(4, {N, C});
                const Owned y = s.out({N, C}), x = s.out({N, C}), d_x = s.out({N, C});
                const Owned mean = s.statistic({N}), rstd = s.statistic({N}), d_gain = s.sum(5, {C});
                s.ops.add_layernorm_forward(
                    {.y = y, .x = x, .mean = mean, .rstd = rstd, .a = a, .b = b, .gain = gain, .eps = eps}, {});
                s.ops.layernorm_backward({.d_x = d_x,
                                          .d_gain = d_gain,
                                          .d_y = d_y,
                                          .d_residual = b,
                                          .x = x,
                                          .gain = gain,
                                          .mean = mean,
                                          .rstd = rstd},
                                         {});
                return outputs(copy_of(y), copy_of(x), copy_of(d_x), copy_of(d_gain));
            };
            const Outputs got = run({tested().ops, dtype, dtype}), want = run({reference_ops(), DType::f64, dtype});
            const double tolerance = dtype == DType::f32 ? 1e-5 : 4e-2;
            for (size_t k = 0; k < got.size(); ++k)
                REQUIRE(difference("output " + std::to_string(k) + ", C = " + std::to_string(C), got[k], want[k],
                                   tolerance, tolerance) == "");
            for (const Configuration& configuration : tested().configurations) {
                const InConfiguration now(configuration);
                INFO(configuration.name << ", C = " << C);
                REQUIRE(all_same_bits(run({tested().ops, dtype, dtype}), got));
            }
        }
}
