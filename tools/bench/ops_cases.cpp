// The cases of `gradus bench ops`: every op of the table at the shapes of two models.
#include "engine/arena.h"
#include "tools/bench/op_cases.h"

namespace gradus {

namespace op_cases {

std::string text(const Shapes& s, std::initializer_list<int64_t> dims) {
    std::string out = s.model;
    char before = ' ';
    for (int64_t n : dims) {
        out += before;
        out += std::to_string(n);
        before = 'x';
    }
    return out;
}

}  // namespace op_cases

void each_op_benchmark(const BenchOpsOptions& options, const Ops& ops,
                       const std::function<void(const OpBenchmark&)>& measure) {
    using namespace op_cases;
    Arena workspace_arena(ops, "benchmarks");
    Tensor matmul_workspace;
    if (options.count)
        workspace_arena.declare("workspace", matmul_workspace, {int64_t(cuda_matmul_workspace / 4)}, DType::f32);
    else workspace_arena.declare_matmul_workspace(matmul_workspace);
    workspace_arena.allocate();
    const Stream stream = Stream{}.with(matmul_workspace);
    const bool training = options.training_shapes;
    for (const Shapes& s : {training ? gpt2_training : gpt2, training ? llama_training : llama})
        for (DType dtype : {DType::f32, DType::bf16}) {
            if (!options.model.empty() && options.model != s.model) continue;
            if (!options.dtype.empty() && options.dtype != name_of(dtype)) continue;
            const Bench bench = {options, ops, measure, dtype, stream};
            bench_linears(bench, s);
            bench_attention(bench, s);
            bench_elementwise(bench, s);
            bench_loss(bench, s);
            bench_optimizer(bench, s);
        }
}

}  // namespace gradus
