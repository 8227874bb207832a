// Ops of libraries on a GPU against the reference, and cuDNN's attention in a step of training.
#include <catch2/catch.hpp>

#include "kernels/attention.h"
#include "kernels/choices.h"
#include "kernels/cuda/host/library.h"
#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"
#include "tests/kernels/harness.h"
#include "tests/kernels/table/hosted.h"
#include "tests/kernels/table/tested.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ours_with_cudnn() {
    static const Ops table = [] {
        Ops both = cuda_ops();
        const Ops& libraries = cuda_libraries();
        both.attention_forward = libraries.attention_forward;
        both.attention_backward = libraries.attention_backward;
        both.layernorm_forward = libraries.layernorm_forward;
        both.layernorm_backward = libraries.layernorm_backward;
        both.rmsnorm_forward = libraries.rmsnorm_forward;
        both.rmsnorm_backward = libraries.rmsnorm_backward;
        return both;
    }();
    return table;
}

// hosted() has one device at a time.
struct Libraries {
    const Ops& ops = hosted(ours_with_cudnn());
    ~Libraries() { hosted(tested().device); }
};

constexpr double bound = 2e-2;  // relative, of bf16 products

double distance(const Tensor& got, const Tensor& want) {
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < want.size(); ++i) {
        worst = std::max(worst, std::abs(at(got, i) - at(want, i)));
        largest = std::max(largest, std::abs(at(want, i)));
    }
    return worst / std::max(largest, 1e-30);
}

}  // namespace

TEST_CASE("cuDNN's causal attention has the reference's output, statistics and gradients") {
    if (!cuda_has_cudnn()) return;
    const Libraries libraries;
    for (const auto& [B, T, H, G, D] : {std::array{2, 128, 4, 4, 64}, {1, 256, 8, 2, 128}}) {
        const int64_t rows = int64_t(B) * T, width = int64_t(H) * D, narrow = int64_t(G) * D;
        const Owned q = random(1, DType::bf16, {rows, width}), k = random(2, DType::bf16, {rows, narrow}),
                    v = random(3, DType::bf16, {rows, narrow}), d_y = random(4, DType::bf16, {rows, width});
        Owned lo(DType::i32, {B, T}), hi(DType::i32, {B, T});
        for (int64_t i = 0; i < rows; ++i) {
            lo.as<int32_t>()[i] = 0;
            hi.as<int32_t>()[i] = int32_t(i % T) + 1;
        }
        const auto run = [&](const Ops& ops, DType t) {
            const auto in = [&](const Tensor& x) { return converted(x, t); };
            const DType sum = accumulator_of(t);
            std::vector<Owned> out;
            out.reserve(6);
            const auto fresh = [&](DType type, const Shape& shape) -> Tensor { return out.emplace_back(type, shape); };
            const Owned q_in = in(q), k_in = in(k), v_in = in(v), d_y_in = in(d_y);
            const Tensor y = fresh(t, {rows, width}), lse = fresh(sum, {B, H, T}), d_q = fresh(t, {rows, width}),
                         d_k = fresh(t, {rows, narrow}), d_v = fresh(t, {rows, narrow}), delta = fresh(sum, {B, H, T});
            const double scale = 1 / std::sqrt(double(D));
            ops.attention_forward({.y = y,
                                   .lse = lse,
                                   .q = q_in,
                                   .k = k_in,
                                   .v = v_in,
                                   .lo = lo,
                                   .hi = hi,
                                   .B = B,
                                   .Tq = T,
                                   .Tk = T,
                                   .H = H,
                                   .G = G,
                                   .D = D,
                                   .scale = scale,
                                   .causal = true},
                                  {});
            ops.attention_backward({.d_q = d_q,
                                    .d_k = d_k,
                                    .d_v = d_v,
                                    .delta = delta,
                                    .d_y = d_y_in,
                                    .q = q_in,
                                    .k = k_in,
                                    .v = v_in,
                                    .y = y,
                                    .lse = lse,
                                    .lo = lo,
                                    .hi = hi,
                                    .B = B,
                                    .Tq = T,
                                    .Tk = T,
                                    .H = H,
                                    .G = G,
                                    .D = D,
                                    .scale = scale,
                                    .causal = true},
                                   {});
            return out;
        };
        const auto want = run(reference_ops(), DType::f32), got = run(libraries.ops, DType::bf16);
        for (size_t i = 0; i < 5; ++i) {  // delta is workspace
            INFO("tensor " << i << ", heads " << H << ", groups " << G);
            REQUIRE(distance(got[i], want[i]) <= bound);
        }
    }
}

TEST_CASE("cuDNN's norms have the reference's outputs and gradients") {
    if (!cuda_has_cudnn()) return;
    const Libraries libraries;
    constexpr int64_t N = 64, C = 768;
    const Owned x = random(1, DType::bf16, {N, C}), gain = random(2, DType::bf16, {C}),
                bias = random(3, DType::bf16, {C}), d_y = random(4, DType::bf16, {N, C});
    for (const bool centred : {false, true}) {
        const auto run = [&](const Ops& ops, DType t) {
            const DType sum = accumulator_of(t);
            std::vector<Owned> out;
            out.reserve(6);
            const auto fresh = [&](DType type, const Shape& shape) -> Tensor {
                return out.emplace_back(filled(type, shape, 0));
            };
            const Owned x_in = converted(x, t), gain_in = converted(gain, t), bias_in = converted(bias, t),
                        d_y_in = converted(d_y, t);
            const Tensor y = fresh(t, {N, C}), rstd = fresh(sum, {N}), d_x = fresh(t, {N, C}), d_gain = fresh(sum, {C}),
                         mean = fresh(sum, {N}), d_bias = fresh(sum, {C});
            if (centred) {
                ops.layernorm_forward({.y = y, .mean = mean, .rstd = rstd, .x = x_in, .gain = gain_in, .bias = bias_in},
                                      {});
                ops.layernorm_backward({.d_x = d_x,
                                        .d_gain = d_gain,
                                        .d_bias = d_bias,
                                        .d_y = d_y_in,
                                        .x = x_in,
                                        .gain = gain_in,
                                        .mean = mean,
                                        .rstd = rstd},
                                       {});
            } else {
                ops.rmsnorm_forward({.y = y, .rstd = rstd, .x = x_in, .gain = gain_in}, {});
                ops.rmsnorm_backward(
                    {.d_x = d_x, .d_gain = d_gain, .d_y = d_y_in, .x = x_in, .gain = gain_in, .rstd = rstd}, {});
            }
            return out;
        };
        const auto want = run(reference_ops(), DType::f32), got = run(libraries.ops, DType::bf16);
        for (size_t i = 0; i < want.size(); ++i) {
            INFO((centred ? "layernorm" : "rmsnorm") << ", tensor " << i);
            REQUIRE(distance(got[i], want[i]) <= bound);
        }
    }
}

TEST_CASE("attention that cuDNN does not support is ours when cuDNN is chosen") {
    kernel_choices().attention = AttentionKernel::library;
    const Owned q = random(1, DType::f32, {8, 16}), k = random(2, DType::f32, {8, 16}),
                v = random(3, DType::f32, {8, 16}), y(DType::f32, {8, 16}), lse(DType::f32, {1, 1, 8});
    Owned lo(DType::i32, {1, 8}), hi(DType::i32, {1, 8});
    for (int i = 0; i < 8; ++i) lo.as<int32_t>()[i] = 0, hi.as<int32_t>()[i] = i + 1;
    REQUIRE_NOTHROW(hosted(cuda_ops())
                        .attention_forward({.y = y,
                                            .lse = lse,
                                            .q = q,
                                            .k = k,
                                            .v = v,
                                            .lo = lo,
                                            .hi = hi,
                                            .B = 1,
                                            .Tq = 8,
                                            .Tk = 8,
                                            .H = 1,
                                            .G = 1,
                                            .D = 16,
                                            .scale = 0.25,
                                            .causal = true},
                                           {}));
    kernel_choices().attention = AttentionKernel::own;
}
