// The table of the GPU backend: the ops of this folder, and memory, streams and events of the device.
#include "kernels/check.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/matmul.h"
#include "kernels/cuda/memory.h"

namespace gradus::DEVICE {

namespace {

#define TEXT_OF(word) #word
#define TEXT(word) TEXT_OF(word)
constexpr const char* name = TEXT(DEVICE);
#undef TEXT
#undef TEXT_OF

}  // namespace

const Ops& table() {
    // clang-format off
    static const Ops ops = {
        .name                   = name,
        .embedding_forward      = checked<EmbeddingForward, embedding_forward>,
        .embedding_backward     = checked<EmbeddingBackward, embedding_backward>,
        .layernorm_forward      = checked<LayerNormForward, layernorm_forward>,
        .add_layernorm_forward  = checked<AddLayerNormForward, add_layernorm_forward>,
        .layernorm_backward     = checked<LayerNormBackward, layernorm_backward>,
        .rmsnorm_forward        = checked<RmsNormForward, rmsnorm_forward>,
        .add_rmsnorm_forward    = checked<AddRmsNormForward, add_rmsnorm_forward>,
        .rmsnorm_backward       = checked<RmsNormBackward, rmsnorm_backward>,
        .linear_forward         = checked<LinearForward, linear_forward>,
        .linear_backward_input  = checked<LinearBackwardInput, linear_backward_input>,
        .linear_backward_weight = checked<LinearBackwardWeight, linear_backward_weight>,
        .linear_activation_forward  = checked<LinearActivationForward, linear_activation_forward>,
        .linear_activation_backward = checked<LinearActivationBackward, linear_activation_backward>,
        .row_dot_forward        = checked<RowDotForward, row_dot_forward>,
        .row_dot_backward       = checked<RowDotBackward, row_dot_backward>,
        .rope_forward           = checked<Rope, rope_forward>,
        .rope_backward          = checked<Rope, rope_backward>,
        .qk_norm_rope_forward   = checked<QkNormRopeForward, qk_norm_rope_forward>,
        .qk_norm_rope_backward  = checked<QkNormRopeBackward, qk_norm_rope_backward>,
        .attention_forward      = checked<AttentionForward, attention_forward>,
        .attention_backward     = checked<AttentionBackward, attention_backward>,
        .attention_cached       = checked<AttentionCached, attention_cached>,
        .activation_forward     = checked<ActivationForward, activation_forward>,
        .activation_backward    = checked<ActivationBackward, activation_backward>,
        .gated_forward          = checked<GatedForward, gated_forward>,
        .gated_backward         = checked<GatedBackward, gated_backward>,
        .dropout                = checked<Dropout, dropout>,
        .add_dropout            = checked<AddDropout, add_dropout>,
        .add_noise              = checked<AddNoise, add_noise>,
        .cross_entropy_stats    = checked<CrossEntropyStats, cross_entropy_stats>,
        .cross_entropy_join     = checked<CrossEntropyJoin, cross_entropy_join>,
        .cross_entropy_forward  = checked<CrossEntropyForward, cross_entropy_forward>,
        .cross_entropy_backward = checked<CrossEntropyBackward, cross_entropy_backward>,
        .cross_entropy          = checked<CrossEntropy, cross_entropy>,
        .sample                 = checked<Sample, sample>,
        .add                    = checked<Add, add>,
        .cast                   = checked<Cast, cast>,
        .square_sum             = checked<SquareSum, square_sum>,
        .clip_scale             = checked<ClipScale, clip_scale>,
        .adamw                  = checked<AdamW, adamw>,
        .average                = checked<Average, average>,
        .muon                   = checked<Muon, muon>,
        .allocate               = allocate,
        .release                = release,
        .allocate_host          = allocate_host,
        .release_host           = release_host,
        .memory                 = memory,
        .zero                   = zero,
        .copy_to_device         = copy_to_device,
        .copy_to_host           = copy_to_host,
        .copy                   = copy,
        .synchronise            = synchronise,
        .compute_stream         = compute_stream,
        .make_stream            = make_stream,
        .release_stream         = release_stream,
        .make_event             = make_event,
        .make_timed_event       = make_timed_event,
        .release_event          = release_event,
        .record                 = record,
        .wait                   = wait,
        .reached                = reached,
        .seconds_between        = seconds_between,
        .begin_capture          = begin_capture,
        .end_capture            = end_capture,
        .replay                 = replay,
        .release_graph          = release_graph,
        .matmul_workspace       = matmul_workspace(),
        .logit_rows             = cuda_logit_rows,
        .tuning                 = matmul_tuning(),
    };
    // clang-format on
    return ops;
}

}  // namespace gradus::DEVICE
