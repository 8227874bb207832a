#pragma once
// The interface between the engine and hardware: a table of function pointers. A backend is a value of this struct. Every op is
// documented in the header of its family; nothing above kernels/ depends on how a backend computes it. kernels/check.h checks
// the arguments of every call.
#include <string>

#include "kernels/tensor.h"

namespace gradus {

// Defined in the headers of their families.
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
struct LinearActivationForward;
struct LinearActivationBackward;
struct RowDotForward;
struct RowDotBackward;
struct Rope;
struct QkNormRopeForward;
struct QkNormRopeBackward;
struct AttentionForward;
struct AttentionBackward;
struct AttentionCached;
struct ActivationForward;
struct ActivationBackward;
struct GatedForward;
struct GatedBackward;
struct Dropout;
struct AddDropout;
struct AddNoise;
struct CrossEntropyStats;
struct CrossEntropyJoin;
struct CrossEntropyForward;
struct CrossEntropyBackward;
struct CrossEntropy;
struct Add;
struct Cast;
struct SquareSum;
struct ClipScale;
struct AdamW;
struct Average;
struct Muon;
struct Sample;

template <class Args>
using Op = void (*)(const Args&, Stream);

// For backends with several algorithms per matmul, which differ in speed and in rounding. Without tuning, the first algorithm that
// runs is used, the same in every process. Measured choices may differ between processes unless they are saved and reused.
struct MatmulTuning {
    // While on, the first matmul of each shape times all algorithms and keeps the fastest. It runs several times, so results of
    // accumulating matmuls, and everything computed from them, are meaningless.
    void (*measure)(bool on);
    std::string (*choices)();
    bool (*use)(const std::string& choices);  // false, without effect: from another device or library version
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
    Op<LinearActivationForward> linear_activation_forward;
    Op<LinearActivationBackward> linear_activation_backward;
    Op<RowDotForward> row_dot_forward;
    Op<RowDotBackward> row_dot_backward;
    Op<Rope> rope_forward;
    Op<Rope> rope_backward;
    Op<QkNormRopeForward> qk_norm_rope_forward;
    Op<QkNormRopeBackward> qk_norm_rope_backward;
    Op<AttentionForward> attention_forward;
    Op<AttentionBackward> attention_backward;
    Op<AttentionCached> attention_cached;
    Op<ActivationForward> activation_forward;
    Op<ActivationBackward> activation_backward;
    Op<GatedForward> gated_forward;
    Op<GatedBackward> gated_backward;
    Op<Dropout> dropout;
    Op<AddDropout> add_dropout;
    Op<AddNoise> add_noise;
    Op<CrossEntropyStats> cross_entropy_stats;
    Op<CrossEntropyJoin> cross_entropy_join;
    Op<CrossEntropyForward> cross_entropy_forward;
    Op<CrossEntropyBackward> cross_entropy_backward;
    Op<CrossEntropy> cross_entropy;
    Op<Sample> sample;
    Op<Add> add;
    Op<Cast> cast;
    Op<SquareSum> square_sum;
    Op<ClipScale> clip_scale;
    Op<AdamW> adamw;
    Op<Average> average;
    Op<Muon> muon;

    // Memory of the backend's device. allocate() aligns to memory_alignment; its Error names the requested size. allocate_host()
    // returns pinned host memory, for copies at full speed.
    void* (*allocate)(size_t bytes);
    void (*release)(void* memory, size_t bytes);
    void* (*allocate_host)(size_t bytes);
    void (*release_host)(void* memory, size_t bytes);
    DeviceMemory (*memory)();

    // Work of one stream runs asynchronously, in the order of queueing. The host must not touch the host memory of a copy until
    // synchronise(), which waits until all work of the stream is done.
    void (*zero)(void* memory, size_t bytes, Stream);
    void (*copy_to_device)(void* device, const void* host, size_t bytes, Stream);
    void (*copy_to_host)(void* host, const void* device, size_t bytes, Stream);
    void (*copy)(void* to, const void* from, size_t bytes, Stream);  // both on the device, without overlap
    void (*synchronise)(Stream);

    // Events order two streams: an event recorded on one stream is reached when the work queued there so far is done, and work
    // queued on another stream after wait() starts only then. The host does not wait.
    Stream (*compute_stream)();  // created once per backend, the default for its work
    Stream (*make_stream)();     // with a higher priority than the compute stream
    void (*release_stream)(Stream);
    Event (*make_event)();        // without timing
    Event (*make_timed_event)();  // for seconds_between()
    void (*release_event)(Event);
    void (*record)(Event, Stream);
    void (*wait)(Stream, Event);
    bool (*reached)(Event);                   // without waiting
    double (*seconds_between)(Event, Event);  // of two timed events that are reached

    // Graphs: work that is queued once and replayed with one call. Between begin_capture() and end_capture(), made by one host
    // thread, work for the stream is recorded and not run: kernels with their arguments, copies and zeros with their
    // addresses. replay() queues all of it, in the same order. Meanwhile the thread must not synchronise the stream, allocate
    // or release memory, or query events, and the stream must not wait for events that were recorded elsewhere. Events
    // recorded in a capture order nothing outside of it. Null where a call costs too little to record it.
    void (*begin_capture)(Stream) = nullptr;
    Graph (*end_capture)(Stream) = nullptr;
    void (*replay)(Graph, Stream) = nullptr;
    void (*release_graph)(Graph) = nullptr;  // replays that are queued still run
    bool has_graphs() const { return begin_capture != nullptr; }

    // Bytes of Stream::workspace for the fastest matmuls; fewer are as correct.
    size_t matmul_workspace;
    // Rows per chunk of the language head (engine/heads/language.h) that keep the device busy; 0: as many as fit in 64 MiB.
    int64_t logit_rows;
    const MatmulTuning* tuning = nullptr;  // null: one algorithm per matmul
};

const Ops& reference_ops();  // f32, f64, c128: the formulas of the headers, literally
const Ops& cpu_ops();        // f32, bf16: fast on the CPU
const Ops& simt_ops();       // f32, bf16: kernels/cuda in the GPU emulator (docs/simt.md)

// Constants, so that `gradus plan` works without a GPU.
constexpr size_t cuda_matmul_workspace = size_t(32) << 20;
constexpr int64_t cuda_logit_rows = 4096;

// f32, bf16 on the GPU with this index, the same in every call of a process. Error: no such GPU, a GPU or driver that this build
// does not support, or a build without CUDA.
const Ops& cuda_ops(int device = 0);
int cuda_devices();                    // 0 without CUDA
int cuda_capability();                 // of the GPU in use: 90 for 9.0; 0 without a GPU
std::string cuda_address(int device);  // PCI bus id, unique on a host; empty without CUDA
bool cuda_has_cudnn();                 // whether this build has cuDNN's attention (kernels/choices.h)

}  // namespace gradus
