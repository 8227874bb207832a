#pragma once
// A step: its size, its precision, the device, and how many there are.
#include <cstdint>
#include <string>

#include "engine/base/settings.h"
#include "engine/settings/limits.h"

namespace gradus {

inline constexpr int activations_gib_of_cpu = 2, activations_gib_of_gpu = 48;  // where train.memory is 0

struct TrainSettings {
    static constexpr const char* section = "train";

    std::string dtype = "f32", device = "cpu";
    int64_t gpu = -1, threads = 0, batch = 8, micro_batch = 0;
    double memory = 0;
    int64_t context = 0, steps = 1000;
    double minutes = 0;
    int64_t seed = 1;
    double dropout = 0;
    bool recompute = false, graphs = false, autotune = false;
    std::string matmul = "cublaslt", attention = "own";
    bool tf32 = false;

    template <class Visit>
    void each(Visit&& visit) {
        using enum OnResume;
        // clang-format off
        visit("dtype", dtype,
              one_of({{"f32", {"fp32", "float32", "float", "single"}},
                      {"bf16", {"bfloat16", "half", "float16", "fp16", "f16", "16", "mixed"}}}), fixed,
              "what weights and activations are computed in; sums, gradients and moments are f32 in both",
              {"precision", "bf16", "fp16"});
        visit("device", device, one_of({{"cpu"}, {"cuda", {"gpu", "nvidia", "cuda:0"}}, {"simt"}}), free,
              "where to compute; simt: the GPU's kernels on the CPU, thread by thread, for tests");
        visit("gpu", gpu, between(-1, 1023), free,
              "index of the GPU, for all ranks of a host; -1: each rank uses the GPU with its own number on the host");
        visit("threads", threads, between(0, 4096), free,
              "CPU threads; 0: one for each core",
              {"num_threads"});
        visit("batch", batch, between(1, 1 << 20), fixed,
              "sequences in a step, on all ranks together",
              {"batch_size", "global_batch_size"});
        visit("micro_batch", micro_batch, between(0, 1 << 20), free,
              "sequences per forward pass on a rank, a divisor of its part of the batch (with mesh.dp above 1: at "
              "most): the first thing to lower if memory runs out; 0: the largest that fits train.memory",
              {"micro_batch_size", "per_device_train_batch_size", "gradient_accumulation_steps",
               "grad_accum_steps"});
        visit("memory", memory, between(0, 1e6), free,
              "GiB that activations may take when micro_batch is 0; 0: " + std::to_string(activations_gib_of_cpu) +
                  " on a CPU, " + std::to_string(activations_gib_of_gpu) + " on a GPU");
        visit("context", context, between(0, largest_length), fixed,
              "tokens in a sequence; 0: model.context",
              {"block_size", "seq_len", "seq_length", "sequence_length", "max_seq_len", "context_length", "ctx"});
        visit("steps", steps, between(1, largest_count), fixed,
              "optimizer steps; set automatically if train.minutes is above 0 (and then refused on the command line); "
              "with the schedules constant and wsd it may change on resume, until the cool-down has begun",
              {"max_steps", "max_iters", "num_steps", "num_iterations", "train_iters", "iterations", "iters",
               "epochs", "num_train_epochs"});
        visit("minutes", minutes, between(0, 1e6), fixed,
              "above 0: the first steps are timed, and train.steps is set so that the run takes this long",
              {"time_limit"});
        visit("seed", seed, between(0, largest_count), fixed,
              "of initialization, order of samples and dropout");
        visit("dropout", dropout, between(0, 0.99), fixed,
              "probability of dropping an activation");
        visit("recompute", recompute, Limits{}, free,
              "activation checkpointing: keep only each block's input and recompute the block in backward; a third "
              "more work, far less memory",
              {"gradient_checkpointing", "activation_checkpointing", "checkpointing"});
        visit("graphs", graphs, Limits{}, free,
              "on a GPU: record the forward and backward pass of a micro-batch once and replay it with one call (CUDA graphs), "
              "for small models whose launches take longer than their work; same bits; not with mesh.tp above 1",
              {"cuda_graphs", "cuda_graph", "use_cuda_graph", "cudagraph"});
        visit("autotune", autotune, Limits{}, fixed,
              "on a GPU: before the first step, time several algorithms for each matmul and keep the fastest for the "
              "whole run; another run may choose others, and then differs in its last bits",
              {"cudnn_benchmark", "benchmark", "max_autotune", "tunableop"});
        visit("matmul", matmul, one_of({{"cublaslt", {"cublas", "library"}}, {"own", {"gradus", "custom"}}}), fixed,
              "on a GPU: the library's matmuls, or those of kernels/cuda/matmul; they differ in their last bits");
        visit("attention", attention,
              one_of({{"own", {"gradus", "flash", "flash_attention_2"}}, {"cudnn", {"library"}}}), fixed,
              "on a GPU: the attention of kernels/cuda/attention, or cuDNN's, in a build WITH_CUDNN; they differ in "
              "their last bits",
              {"attn_implementation"});
        visit("tf32", tf32, Limits{}, fixed,
              "on a GPU, with dtype f32: matmuls and attention on tensor cores, which round the factors to 10 bits of "
              "mantissa (bf16 has 7, f32 23)",
              {"allow_tf32"});
        // clang-format on
    }
};

}  // namespace gradus
