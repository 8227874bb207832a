// Benchmarks of the gradient's norm, AdamW, the moving average and Muon.
#include "tools/bench/op_cases.h"

namespace gradus::op_cases {

void bench_optimizer(const Bench& bench, const Shapes& s) {
    const Ops& ops = bench.ops;
    const DType t = bench.dtype, sum = accumulator_of(t);
    const int64_t C = s.C, n = 8 << 20;
    bench.op<SquareSum>("square_sum", text(s, {n}), ops.square_sum, [&](Tensors& m) {
        return SquareSum{.total = m.uniform(DType::f64, {1}),
                         .parts = m.uniform(DType::f64, {square_sum_parts}),
                         .x = m.uniform(sum, {n})};
    });
    for (const uint64_t key : {uint64_t(0), uint64_t(1)}) {
        if (key && t == DType::f32) continue;
        bench.op<AdamW>(key ? "adamw stochastic" : "adamw", text(s, {n}), ops.adamw, [&](Tensors& m) {
            return AdamW{.master = m.uniform(sum, {n}),
                         .m = m.uniform(sum, {n}),
                         .v = m.uniform(sum, {n}, 0, 1),
                         .param = t == DType::bf16 ? Opt(m.uniform(t, {n})) : Opt(),
                         .grad = m.uniform(sum, {n}),
                         .step_values = m.value(StepValues{.lr = 1e-3,
                                                           .correction1 = bias_correction(0.9, 10),
                                                           .correction2 = bias_correction(0.95, 10),
                                                           .rounding_key = key}),
                         .beta1 = 0.9,
                         .beta2 = 0.95,
                         .eps = 1e-8,
                         .decay = 0.1};
        });
    }
    bench.op<Average>("average", text(s, {n}), ops.average, [&](Tensors& m) {
        return Average{.average = m.uniform(sum, {n}), .x = m.uniform(sum, {n}), .rate = 0.01};
    });
    std::vector<MuonMatrix> one;
    bench.op<Muon>("muon", text(s, {C, C}), ops.muon, [&](Tensors& m) {
        one.push_back({.master = m.uniform(sum, {C, C}),
                       .m = m.uniform(sum, {C, C}),
                       .param = t == DType::bf16 ? Opt(m.uniform(t, {C, C})) : Opt(),
                       .grad = m.uniform(sum, {C, C})});
        return Muon{.matrices = one,
                    .workspace = m.uniform(t, {muon_workspace(C, C)}),  // the products are in its dtype, as in training
                    .step_values = m.value(StepValues{.lr = 1e-3}),
                    .beta = 0.95,
                    .decay = 0.1};
    });
}

}  // namespace gradus::op_cases
