// Benchmarks of linears, compared with oneDNN on a CPU.
#include <utility>

#include "kernels/choices.h"
#include "kernels/cpu/onednn.h"
#include "kernels/linear_activation.h"
#include "tools/bench/op_cases.h"

namespace gradus::op_cases {

namespace {

template <class Run>
void with_own_matmul(const Run& run) {
    const MatmulKernel chosen = std::exchange(kernel_choices().matmul, MatmulKernel::own);
    run();
    kernel_choices().matmul = chosen;
}

// As Bench::op(), with a library's matmul for comparison: on a CPU oneDNN's; on a GPU cuBLASLt's, in a second line for our
// own matmul.
template <class Args, class Build, class Matmul>
void bench_linear(const Bench& bench, const std::string& name, const std::string& shape, Op<Args> Ops::*op,
                  Build&& build, Matmul&& matmul_of) {
    const Op<Args> run = bench.ops.*op;
    if (!bench.wanted(name)) return;
    Tensors tensors(bench.ops);
    const Args args = build(tensors);
    OpBenchmark b = {name, shape, bench.dtype, cost(args), [&] { run(args, bench.stream); }};
    if (bench.options.device == "cpu" && (bench.dtype == DType::f32 || cpu::multiplies_bf16()))
        b.library = [&] { cpu::onednn_matmul(matmul_of(args)); };
    bench.measure(b);
    if (bench.options.device != "cuda") return;
    b.op = name + "_own";
    b.run = [&] { with_own_matmul([&] { run(args, bench.stream); }); };
    b.library = [&] { (cuda_libraries().*op)(args, bench.stream); };
    bench.measure(b);
}

}  // namespace

void bench_linears(const Bench& bench, const Shapes& s) {
    const DType t = bench.dtype, sum = accumulator_of(t);
    struct Layer {
        int64_t N, I, O;
    };
    const int64_t qkv = (s.H + 2 * s.G) * s.D;
    const auto forward = [&](const Layer& l) {
        bench_linear<LinearForward>(
            bench, "linear_forward", text(s, {l.N, l.I, l.O}), &Ops::linear_forward,
            [&](Tensors& m) {
                return LinearForward{
                    .y = m.uniform(t, {l.N, l.O}), .x = m.uniform(t, {l.N, l.I}), .w = m.uniform(t, {l.O, l.I})};
            },
            [](const LinearForward& a) {
                return cpu::Matmul{.out = a.y.data,
                                   .dtype = a.y.dtype,
                                   .M = a.x.rows(),
                                   .N = a.y.last(),
                                   .K = a.x.last(),
                                   .a = cpu::matrix(a.x),
                                   .b = cpu::matrix(a.w).transposed()};
            });
    };
    for (const Layer& l :
         std::vector<Layer>{{s.N, s.C, qkv}, {s.N, s.C, s.C}, {s.N, s.C, s.F}, {s.N, s.F, s.C}, {s.chunk, s.C, s.V}}) {
        forward(l);
        bench_linear<LinearBackwardInput>(
            bench, "linear_backward_input", text(s, {l.N, l.I, l.O}), &Ops::linear_backward_input,
            [&](Tensors& m) {
                return LinearBackwardInput{
                    .d_x = m.uniform(t, {l.N, l.I}), .d_y = m.uniform(t, {l.N, l.O}), .w = m.uniform(t, {l.O, l.I})};
            },
            [](const LinearBackwardInput& a) {
                return cpu::Matmul{.out = a.d_x.data,
                                   .dtype = a.d_x.dtype,
                                   .M = a.d_y.rows(),
                                   .N = a.d_x.last(),
                                   .K = a.d_y.last(),
                                   .a = cpu::matrix(a.d_y),
                                   .b = cpu::matrix(a.w)};
            });
        bench_linear<LinearBackwardWeight>(
            bench, "linear_backward_weight", text(s, {l.N, l.I, l.O}), &Ops::linear_backward_weight,
            [&](Tensors& m) {
                return LinearBackwardWeight{
                    .d_w = m.uniform(sum, {l.O, l.I}), .d_y = m.uniform(t, {l.N, l.O}), .x = m.uniform(t, {l.N, l.I})};
            },
            [](const LinearBackwardWeight& a) {
                return cpu::Matmul{.out = a.d_w.data,
                                   .dtype = a.d_w.dtype,
                                   .M = a.d_y.last(),
                                   .N = a.x.last(),
                                   .K = a.x.rows(),
                                   .a = cpu::matrix(a.d_y).transposed(),
                                   .b = cpu::matrix(a.x),
                                   .accumulate = true};
            });
    }
    bench.op<LinearActivationForward>("linear_activation_forward", text(s, {s.N, s.C, s.F}),
                                      bench.ops.linear_activation_forward, [&](Tensors& m) {
                                          return LinearActivationForward{.y = m.uniform(t, {s.N, s.F}),
                                                                         .pre = m.uniform(t, {s.N, s.F}),
                                                                         .x = m.uniform(t, {s.N, s.C}),
                                                                         .w = m.uniform(t, {s.F, s.C}),
                                                                         .b = m.uniform(t, {s.F}),
                                                                         .kind = Activation::gelu_tanh};
                                      });
    bench.op<LinearActivationBackward>("linear_activation_backward", text(s, {s.N, s.F, s.C}),
                                       bench.ops.linear_activation_backward, [&](Tensors& m) {
                                           return LinearActivationBackward{.d_pre = m.uniform(t, {s.N, s.F}),
                                                                           .d_y = m.uniform(t, {s.N, s.C}),
                                                                           .w = m.uniform(t, {s.C, s.F}),
                                                                           .pre = m.uniform(t, {s.N, s.F}),
                                                                           .kind = Activation::gelu_tanh};
                                       });
    for (const Layer& l : std::vector<Layer>{{1, s.C, s.V}, {1, s.C, s.F}, {4, s.C, s.V}, {8, s.C, s.V}}) forward(l);
}

}  // namespace gradus::op_cases
