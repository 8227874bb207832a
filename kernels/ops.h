#pragma once
// The one seam between the engine and hardware: a table of plain functions, and the table of contents of kernels/.
// A backend is a value of this struct. Every formula is in its family's header, once; nothing above kernels/ knows how
// a table computes it. Shapes and dtypes are checked by kernels/check.h on the way into any table.
#include <string>

#include "kernels/tensor.h"

namespace gradus {

// Defined by the header of their family, which a call needs.
struct EmbeddingForward;
struct EmbeddingBackward;
struct LayerNormForward;
struct AddLayerNormForward;
struct LayerNormBackward;
struct RmsNormForward;
struct AddRmsNormForward;
struct RmsNormBackward;
struct LinearForward;
struct LinearBackwardInput;
struct LinearBackwardWeight;
struct RowDotForward;
struct RowDotBackward;
struct Rope;
struct AttentionForward;
struct AttentionBackward;
struct AttentionCached;
struct ActivationForward;
struct ActivationBackward;
struct GatedForward;
struct GatedBackward;
struct Dropout;
struct CrossEntropyStats;
struct CrossEntropyJoin;
struct CrossEntropyForward;
struct CrossEntropyBackward;
struct Add;
struct Cast;
struct SquareSum;
struct ClipScale;
struct AdamW;
struct Muon;
struct Sample;

template <class Args>
using Op = void (*)(const Args&, Stream);

// Where a table has several algorithms for a matmul, which differ in speed and in their last bits. Untuned it takes the first
// one that runs, which is the same in every process; measured choices are the same only where they are written down and used.
struct MatmulTuning {
    // While on, the first matmul of each shape times all algorithms and keeps the fastest. It is computed several times, so
    // where it accumulates, and in all that follows from it, the results mean nothing.
    void (*measure)(bool on);
    std::string (*choices)();
    bool (*use)(const std::string& choices);  // false: they are of another device or library, and nothing is used
};

inline constexpr size_t memory_alignment = 64;  // bytes: a cache line

struct Ops {
    const char* name;

    Op<EmbeddingForward> embedding_forward;
    Op<EmbeddingBackward> embedding_backward;
    Op<LayerNormForward> layernorm_forward;
    Op<AddLayerNormForward> add_layernorm_forward;
    Op<LayerNormBackward> layernorm_backward;
    Op<RmsNormForward> rmsnorm_forward;
    Op<AddRmsNormForward> add_rmsnorm_forward;
    Op<RmsNormBackward> rmsnorm_backward;
    Op<LinearForward> linear_forward;
    Op<LinearBackwardInput> linear_backward_input;
    Op<LinearBackwardWeight> linear_backward_weight;
    Op<RowDotForward> row_dot_forward;
    Op<RowDotBackward> row_dot_backward;
    Op<Rope> rope_forward;
    Op<Rope> rope_backward;
    Op<AttentionForward> attention_forward;
    Op<AttentionBackward> attention_backward;
    Op<AttentionCached> attention_cached;
    Op<ActivationForward> activation_forward;
    Op<ActivationBackward> activation_backward;
    Op<GatedForward> gated_forward;
    Op<GatedBackward> gated_backward;
    Op<Dropout> dropout;
    Op<CrossEntropyStats> cross_entropy_stats;
    Op<CrossEntropyJoin> cross_entropy_join;
    Op<CrossEntropyForward> cross_entropy_forward;
    Op<CrossEntropyBackward> cross_entropy_backward;
    Op<Sample> sample;
    Op<Add> add;
    Op<Cast> cast;
    Op<SquareSum> square_sum;
    Op<ClipScale> clip_scale;
    Op<AdamW> adamw;
    Op<Muon> muon;

    // Memory of the device that the table computes on. allocate() aligns to memory_alignment and throws an Error that says how
    // much was asked for. allocate_host() is memory of the host that copies reach at full speed.
    void* (*allocate)(size_t bytes);
    void (*release)(void* memory, size_t bytes);
    void* (*allocate_host)(size_t bytes);
    void (*release_host)(void* memory, size_t bytes);
    DeviceMemory (*memory)();

    // Work given to one stream is done in the order it was given, whenever the device comes to it. The host's side of a
    // copy belongs to the stream until synchronise(), which waits until all work of the stream is done.
    void (*zero)(void* memory, size_t bytes, Stream);
    void (*copy_to_device)(void* device, const void* host, size_t bytes, Stream);
    void (*copy_to_host)(void* host, const void* device, size_t bytes, Stream);
    void (*copy)(void* to, const void* from, size_t bytes, Stream);  // both on the device, apart from each other
    void (*synchronise)(Stream);

    // Two streams know nothing of each other but through events: record() puts a mark behind the work that the stream has
    // so far, and what another stream is given after wait() begins when that mark is reached. The host does not wait.
    Stream (*compute_stream)();  // made once by the table: where its work goes that names no other stream
    Stream (*make_stream)();     // its work gets ahead of the compute stream's where both are ready to run
    void (*release_stream)(Stream);
    Event (*make_event)();        // for order alone
    Event (*make_timed_event)();  // that seconds_between() takes, too
    void (*release_event)(Event);
    void (*record)(Event, Stream);
    void (*wait)(Stream, Event);
    bool (*reached)(Event);                   // for the host: asks, does not wait
    double (*seconds_between)(Event, Event);  // of two timed ones that are reached

    // Bytes of Stream::workspace that linears and Muon are fastest with; with fewer they are as right.
    size_t matmul_workspace;
    // In a chunk of the head (engine/heads/language.h) that keep the device busy; 0: what 64 MiB hold.
    int64_t logit_rows;
    const MatmulTuning* tuning = nullptr;  // nothing: the table has one algorithm
};

const Ops& reference_ops();  // f32, f64, c128: the formulas as they stand in the headers
const Ops& cpu_ops();        // f32, bf16: fast on the CPU
const Ops& simt_ops();       // f32, bf16: kernels/cuda run thread by thread on the CPU, for tests and for readers

// Known without a GPU, for plans.
constexpr size_t cuda_matmul_workspace = size_t(32) << 20;
constexpr int64_t cuda_logit_rows = 4096;

// f32, bf16 on the GPU of that number, the same one in every call of a process. Error that says what to do where there is
// none, where it or its driver is too old or too new for this build, and in a build without CUDA, which names the option.
const Ops& cuda_ops(int device = 0);
int cuda_devices();                    // 0 without CUDA
int cuda_capability();                 // of the GPU in use: 90 for 9.0; 0 without one
std::string cuda_address(int device);  // on the bus of its host: what no other GPU there has; empty without CUDA

}  // namespace gradus
