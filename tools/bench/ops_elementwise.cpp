// Benchmarks of norms, dot products of rows, activations, dropout, noise, add and cast.
#include "tools/bench/op_cases.h"

namespace gradus::op_cases {

void bench_elementwise(const Bench& bench, const Shapes& s) {
    const Ops& ops = bench.ops;
    const DType t = bench.dtype, sum = accumulator_of(t);
    const int64_t N = s.N, C = s.C, F = s.F;
    const std::string shape = text(s, {N, C}), wide = text(s, {N, F});
    const auto x = [&](Tensors& m) { return m.uniform(t, {N, C}); };
    const auto statistic = [&](Tensors& m) { return m.uniform(sum, {N}, 0.5, 1.5); };
    bench.op<LayerNormForward>(
        "layernorm_forward", shape, ops.layernorm_forward,
        [&](Tensors& m) {
            return LayerNormForward{.y = x(m),
                                    .mean = statistic(m),
                                    .rstd = statistic(m),
                                    .x = x(m),
                                    .gain = m.uniform(t, {C}),
                                    .bias = m.uniform(t, {C})};
        },
        bench.cudnn().layernorm_forward);
    bench.op<AddLayerNormForward>("add_layernorm_forward", shape, ops.add_layernorm_forward, [&](Tensors& m) {
        return AddLayerNormForward{.y = x(m),
                                   .x = x(m),
                                   .mean = statistic(m),
                                   .rstd = statistic(m),
                                   .a = x(m),
                                   .b = x(m),
                                   .gain = m.uniform(t, {C}),
                                   .bias = m.uniform(t, {C})};
    });
    bench.op<LayerNormBackward>("layernorm_backward", shape, ops.layernorm_backward, [&](Tensors& m) {
        return LayerNormBackward{.d_x = x(m),
                                 .d_gain = m.uniform(sum, {C}),
                                 .d_bias = m.uniform(sum, {C}),
                                 .d_y = x(m),
                                 .d_residual = x(m),
                                 .x = x(m),
                                 .gain = m.uniform(t, {C}),
                                 .mean = statistic(m),
                                 .rstd = statistic(m)};
    });
    if (const auto of_cudnn = bench.cudnn().layernorm_backward)
        bench.op<LayerNormBackward>(
            "layernorm_backward_alone", shape, ops.layernorm_backward,
            [&](Tensors& m) {
                return LayerNormBackward{.d_x = x(m),
                                         .d_gain = m.uniform(sum, {C}),
                                         .d_bias = m.uniform(sum, {C}),
                                         .d_y = x(m),
                                         .x = x(m),
                                         .gain = m.uniform(t, {C}),
                                         .mean = statistic(m),
                                         .rstd = statistic(m)};
            },
            of_cudnn);
    bench.op<RmsNormForward>(
        "rmsnorm_forward", shape, ops.rmsnorm_forward,
        [&](Tensors& m) {
            return RmsNormForward{.y = x(m), .rstd = statistic(m), .x = x(m), .gain = m.uniform(t, {C})};
        },
        bench.cudnn().rmsnorm_forward);
    bench.op<AddRmsNormForward>("add_rmsnorm_forward", shape, ops.add_rmsnorm_forward, [&](Tensors& m) {
        return AddRmsNormForward{
            .y = x(m), .x = x(m), .rstd = statistic(m), .a = x(m), .b = x(m), .gain = m.uniform(t, {C})};
    });
    bench.op<RmsNormBackward>("rmsnorm_backward", shape, ops.rmsnorm_backward, [&](Tensors& m) {
        return RmsNormBackward{.d_x = x(m),
                               .d_gain = m.uniform(sum, {C}),
                               .d_y = x(m),
                               .d_residual = x(m),
                               .x = x(m),
                               .gain = m.uniform(t, {C}),
                               .rstd = statistic(m)};
    });
    if (const auto of_cudnn = bench.cudnn().rmsnorm_backward)
        bench.op<RmsNormBackward>(
            "rmsnorm_backward_alone", shape, ops.rmsnorm_backward,
            [&](Tensors& m) {
                return RmsNormBackward{.d_x = x(m),
                                       .d_gain = m.uniform(sum, {C}),
                                       .d_y = x(m),
                                       .x = x(m),
                                       .gain = m.uniform(t, {C}),
                                       .rstd = statistic(m)};
            },
            of_cudnn);
    bench.op<RowDotForward>("row_dot_forward", shape, ops.row_dot_forward, [&](Tensors& m) {
        return RowDotForward{.y = statistic(m), .x = x(m), .w = m.uniform(t, {C})};
    });
    bench.op<RowDotBackward>("row_dot_backward", shape, ops.row_dot_backward, [&](Tensors& m) {
        return RowDotBackward{
            .d_x = x(m), .d_w = m.uniform(sum, {C}), .d_y = statistic(m), .x = x(m), .w = m.uniform(t, {C})};
    });
    for (const auto& [kind, name] : {std::pair{Activation::gelu_tanh, "gelu"}, {Activation::silu, "silu"}}) {
        const std::string of = std::string(" ") + name;
        bench.op<ActivationForward>("activation_forward" + of, wide, ops.activation_forward, [&, k = kind](Tensors& m) {
            return ActivationForward{.y = m.uniform(t, {N, F}), .x = m.uniform(t, {N, F}, -4, 4), .kind = k};
        });
        bench.op<ActivationBackward>("activation_backward" + of, wide, ops.activation_backward,
                                     [&, k = kind](Tensors& m) {
                                         return ActivationBackward{.d_x = m.uniform(t, {N, F}),
                                                                   .d_y = m.uniform(t, {N, F}),
                                                                   .x = m.uniform(t, {N, F}, -4, 4),
                                                                   .kind = k};
                                     });
        bench.op<GatedForward>("gated_forward" + of, wide, ops.gated_forward, [&, k = kind](Tensors& m) {
            return GatedForward{.y = m.uniform(t, {N, F}), .x = m.uniform(t, {N, 2 * F}, -4, 4), .kind = k};
        });
        bench.op<GatedBackward>("gated_backward" + of, wide, ops.gated_backward, [&, k = kind](Tensors& m) {
            return GatedBackward{.d_x = m.uniform(t, {N, 2 * F}),
                                 .d_y = m.uniform(t, {N, F}),
                                 .x = m.uniform(t, {N, 2 * F}, -4, 4),
                                 .kind = k};
        });
    }
    bench.op<Dropout>("dropout", shape, ops.dropout, [&](Tensors& m) {
        return Dropout{.y = x(m), .x = x(m), .p = 0.1, .key = m.value(uint64_t(7)), .first_row = 0};
    });
    bench.op<AddDropout>("add_dropout", shape, ops.add_dropout, [&](Tensors& m) {
        return AddDropout{.y = x(m), .a = x(m), .x = x(m), .p = 0.1, .key = m.value(uint64_t(7)), .first_row = 0};
    });
    bench.op<AddNoise>("add_noise", shape, ops.add_noise, [&](Tensors& m) {
        return AddNoise{.y = x(m), .x = x(m), .amplitude = statistic(m), .key = m.value(uint64_t(7)), .first_row = 0};
    });
    bench.op<Add>("add", shape, ops.add, [&](Tensors& m) { return Add{.y = x(m), .a = x(m), .b = x(m)}; });
    bench.op<Cast>("cast", wide, ops.cast, [&](Tensors& m) {
        return Cast{.y = m.uniform(t == DType::f32 ? DType::bf16 : DType::f32, {N, F}), .x = m.uniform(t, {N, F})};
    });
}

}  // namespace gradus::op_cases
