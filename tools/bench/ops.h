#pragma once
// `gradus bench ops`: how long each op of a table takes at the shapes of GPT-2 124M and of a LLaMA-like model, how much of
// the device's measured ceiling that is, and on a CPU how it compares with oneDNN where oneDNN has the same op.
#include <functional>
#include <string>
#include <vector>

#include "engine/settings/train.h"
#include "kernels/ops.h"

namespace gradus {

struct BenchOpsOptions {
    std::string filter;                           // only ops whose name contains this
    std::string dtype;                            // f32, bf16, or empty for both
    std::string device = TrainSettings{}.device;  // tools/device.h
    int threads = int(TrainSettings{}.threads);   // 0: as many as OpenMP takes
    bool json = false;                            // one object a line instead of a table
};

// Prints a line for each op; returns how many it measured.
int bench_ops(const BenchOpsOptions& options);

// One op with its arguments and the memory that they live in.
struct OpBenchmark {
    std::string op, shape;
    DType dtype;
    Cost cost;
    std::function<void()> run;
    std::function<void()> library = {};  // the same by oneDNN, where it has it
};

// Builds one benchmark after the other and hands each to measure(); its memory is gone afterwards.
void each_op_benchmark(const BenchOpsOptions& options, const Ops& ops,
                       const std::function<void(const OpBenchmark&)>& measure);

}  // namespace gradus
