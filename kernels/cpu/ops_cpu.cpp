// The ops of the CPU backend.
#include "kernels/check.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/memory.h"
#include "kernels/immediate.h"

namespace gradus {

const Ops& cpu_ops() {
    // clang-format off
    static const Ops table = immediate::completed({
        .name                   = "cpu",
        .embedding_forward      = checked<EmbeddingForward, cpu::embedding_forward>,
        .embedding_backward     = checked<EmbeddingBackward, cpu::embedding_backward>,
        .layernorm_forward      = checked<LayerNormForward, cpu::layernorm_forward>,
        .add_layernorm_forward  = checked<AddLayerNormForward, cpu::add_layernorm_forward>,
        .layernorm_backward     = checked<LayerNormBackward, cpu::layernorm_backward>,
        .rmsnorm_forward        = checked<RmsNormForward, cpu::rmsnorm_forward>,
        .add_rmsnorm_forward    = checked<AddRmsNormForward, cpu::add_rmsnorm_forward>,
        .rmsnorm_backward       = checked<RmsNormBackward, cpu::rmsnorm_backward>,
        .linear_forward         = checked<LinearForward, cpu::linear_forward>,
        .linear_backward_input  = checked<LinearBackwardInput, cpu::linear_backward_input>,
        .linear_backward_weight = checked<LinearBackwardWeight, cpu::linear_backward_weight>,
        .linear_activation_forward  = checked<LinearActivationForward, cpu::linear_activation_forward>,
        .linear_activation_backward = checked<LinearActivationBackward, cpu::linear_activation_backward>,
        .row_dot_forward        = checked<RowDotForward, cpu::row_dot_forward>,
        .row_dot_backward       = checked<RowDotBackward, cpu::row_dot_backward>,
        .rope_forward           = checked<Rope, cpu::rope_forward>,
        .rope_backward          = checked<Rope, cpu::rope_backward>,
        .qk_norm_rope_forward   = checked<QkNormRopeForward, cpu::qk_norm_rope_forward>,
        .qk_norm_rope_backward  = checked<QkNormRopeBackward, cpu::qk_norm_rope_backward>,
        .attention_forward      = checked<AttentionForward, cpu::attention_forward>,
        .attention_backward     = checked<AttentionBackward, cpu::attention_backward>,
        .attention_cached       = checked<AttentionCached, cpu::attention_cached>,
        .activation_forward     = checked<ActivationForward, cpu::activation_forward>,
        .activation_backward    = checked<ActivationBackward, cpu::activation_backward>,
        .gated_forward          = checked<GatedForward, cpu::gated_forward>,
        .gated_backward         = checked<GatedBackward, cpu::gated_backward>,
        .dropout                = checked<Dropout, cpu::dropout>,
        .add_dropout            = checked<AddDropout, cpu::add_dropout>,
        .add_noise              = checked<AddNoise, cpu::add_noise>,
        .cross_entropy_stats    = checked<CrossEntropyStats, cpu::cross_entropy_stats>,
        .cross_entropy_join     = checked<CrossEntropyJoin, cpu::cross_entropy_join>,
        .cross_entropy_forward  = checked<CrossEntropyForward, cpu::cross_entropy_forward>,
        .cross_entropy_backward = checked<CrossEntropyBackward, cpu::cross_entropy_backward>,
        .cross_entropy          = checked<CrossEntropy, cpu::cross_entropy>,
        .sample                 = checked<Sample, cpu::sample>,
        .add                    = checked<Add, cpu::add>,
        .cast                   = checked<Cast, cpu::cast>,
        .square_sum             = checked<SquareSum, cpu::square_sum>,
        .clip_scale             = checked<ClipScale, cpu::clip_scale>,
        .adamw                  = checked<AdamW, cpu::adamw>,
        .average                = checked<Average, cpu::average>,
        .muon                   = checked<Muon, cpu::muon>,
        .allocate               = cpu::allocate,
        .release                = cpu::release,
        .allocate_host          = cpu::allocate,
        .release_host           = cpu::release,
        .zero                   = cpu::zero,
        .copy_to_device         = cpu::copy,
        .copy_to_host           = cpu::copy,
        .copy                   = cpu::copy,
    });
    // clang-format on
    return table;
}

}  // namespace gradus
