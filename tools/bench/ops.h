#pragma once
// `gradus bench ops`: times each op at the shapes of GPT-2 124M and of a LLaMA-like model, as a share of the device's
// measured ceiling, and compares it with a library that has the same op: oneDNN on a CPU, cuDNN and cuBLASLt on a GPU.
#include <functional>
#include <string>
#include <vector>

#include "engine/settings/train.h"
#include "kernels/ops.h"
#include "tools/device.h"

namespace gradus {

struct BenchOpsOptions {
    std::string filter;                           // only ops whose name contains this
    std::string dtype;                            // f32, bf16, or empty for both
    std::string device = TrainSettings{}.device;  // tools/device.h
    int threads = int(TrainSettings{}.threads);   // 0: OpenMP's default
    KernelOptions kernels;
    bool json = false;             // JSON lines instead of a table
    bool training_shapes = false;  // those of training on a GPU
    bool count = false;            // count in the emulator instead of measuring (ops_counted.cpp)
    std::string card = "h200";     // for which times are modelled
    int blocks = 16;               // of each launch that are counted; 0: all
    int capability = 0;            // whose kernels: 80 or 90; 0: the card's
    std::string registers;         // file with the registers of each kernel (model/registers.h)
    std::string model;             // only the shapes of this model: gpt2, llama, or empty for both
};

// Prints a line for each op; returns their number.
int bench_ops(const BenchOpsOptions& options);

// The same with counts of the emulator and modelled times.
int count_ops(const BenchOpsOptions& options);

// An op with its arguments and their memory.
struct OpBenchmark {
    std::string op, shape;
    DType dtype;
    Cost cost;
    std::function<void()> run;
    std::function<void()> library = {};  // the same by a library, if available
};

// Builds the benchmarks one after another and passes each to measure(); its memory is released afterwards.
void each_op_benchmark(const BenchOpsOptions& options, const Ops& ops,
                       const std::function<void(const OpBenchmark&)>& measure);

}  // namespace gradus
