// The reference backend: the formulas as code, which all other backends are tested against. One thread, no optimisations,
// compiled without FMA contraction: the same bits on every machine.
#include <cstdlib>
#include <cstring>

#include "kernels/check.h"
#include "kernels/immediate.h"
#include "kernels/reference/activation.h"
#include "kernels/reference/attention.h"
#include "kernels/reference/cross_entropy.h"
#include "kernels/reference/dropout.h"
#include "kernels/reference/elementwise.h"
#include "kernels/reference/embedding.h"
#include "kernels/reference/layernorm.h"
#include "kernels/reference/linear.h"
#include "kernels/reference/linear_activation.h"
#include "kernels/reference/muon.h"
#include "kernels/reference/noise.h"
#include "kernels/reference/optimizer.h"
#include "kernels/reference/qk_norm_rope.h"
#include "kernels/reference/rmsnorm.h"
#include "kernels/reference/rope.h"
#include "kernels/reference/row_dot.h"
#include "kernels/reference/sampling.h"

namespace gradus {

namespace {

void* allocate(size_t bytes) {
    const size_t whole = (bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
    void* memory = whole < bytes ? nullptr : std::aligned_alloc(memory_alignment, std::max(whole, memory_alignment));
    if (!memory)
        throw Error("no memory for " + std::to_string(bytes) + " bytes", "the machine is out of memory",
                    "lower the batch or the context, or recompute activations");
    return memory;
}

void release(void* memory, size_t) { std::free(memory); }

void zero(void* memory, size_t bytes, Stream) {
    if (bytes) std::memset(memory, 0, bytes);
}

void copy_to_device(void* device, const void* host, size_t bytes, Stream) {
    if (bytes) std::memcpy(device, host, bytes);
}

void copy_to_host(void* host, const void* device, size_t bytes, Stream) {
    if (bytes) std::memcpy(host, device, bytes);
}

// Dispatches on the dtype of one tensor, then runs the formula.
#define BY_DTYPE(formula, Args, tensor)                                                              \
    void formula(const Args& a, Stream) {                                                            \
        reference::with_scalar(a.tensor.dtype, [&](auto s) { reference::formula<decltype(s)>(a); }); \
    }

BY_DTYPE(embedding_forward, EmbeddingForward, y)
BY_DTYPE(embedding_backward, EmbeddingBackward, d_y)
BY_DTYPE(layernorm_forward, LayerNormForward, x)
BY_DTYPE(add_layernorm_forward, AddLayerNormForward, x)
BY_DTYPE(layernorm_backward, LayerNormBackward, x)
BY_DTYPE(rmsnorm_forward, RmsNormForward, x)
BY_DTYPE(add_rmsnorm_forward, AddRmsNormForward, x)
BY_DTYPE(rmsnorm_backward, RmsNormBackward, x)
BY_DTYPE(linear_forward, LinearForward, x)
BY_DTYPE(linear_backward_input, LinearBackwardInput, d_y)
BY_DTYPE(linear_backward_weight, LinearBackwardWeight, x)
BY_DTYPE(linear_activation_forward, LinearActivationForward, x)
BY_DTYPE(linear_activation_backward, LinearActivationBackward, d_y)
BY_DTYPE(row_dot_forward, RowDotForward, x)
BY_DTYPE(row_dot_backward, RowDotBackward, x)
BY_DTYPE(rope_forward, Rope, x)
BY_DTYPE(rope_backward, Rope, x)
BY_DTYPE(qk_norm_rope_forward, QkNormRopeForward, q)
BY_DTYPE(qk_norm_rope_backward, QkNormRopeBackward, q)
BY_DTYPE(activation_forward, ActivationForward, x)
BY_DTYPE(activation_backward, ActivationBackward, x)
BY_DTYPE(gated_forward, GatedForward, x)
BY_DTYPE(gated_backward, GatedBackward, x)
BY_DTYPE(dropout, Dropout, x)
BY_DTYPE(add_dropout, AddDropout, x)
BY_DTYPE(add_noise, AddNoise, x)
BY_DTYPE(cross_entropy_stats, CrossEntropyStats, logits)
BY_DTYPE(cross_entropy_join, CrossEntropyJoin, stats)
BY_DTYPE(cross_entropy_forward, CrossEntropyForward, stats)
BY_DTYPE(cross_entropy_backward, CrossEntropyBackward, logits)
BY_DTYPE(cross_entropy, CrossEntropy, logits)
BY_DTYPE(sample, Sample, logits)
BY_DTYPE(add, Add, y)

// Also dispatches on the score function of attention.
#define BY_DTYPE_AND_SCORE(formula, Args)                                                                          \
    void formula(const Args& a, Stream) {                                                                          \
        reference::with_scalar(a.q.dtype, [&](auto s) {                                                            \
            by_score<decltype(s)>(a.score, [&](const auto& score) { reference::formula<decltype(s)>(a, score); }); \
        });                                                                                                        \
    }

BY_DTYPE_AND_SCORE(attention_forward, AttentionForward)
BY_DTYPE_AND_SCORE(attention_backward, AttentionBackward)
BY_DTYPE_AND_SCORE(attention_cached, AttentionCached)

void adamw(const AdamW& a, Stream) {
    if (a.master.dtype == DType::f64) reference::adamw<double>(a);
    else reference::adamw<float>(a);
}

void average(const Average& a, Stream) {
    if (a.average.dtype == DType::f64) reference::average<double>(a);
    else reference::average<float>(a);
}

void muon(const Muon& a, Stream) {
    for (const MuonMatrix& w : a.matrices)
        if (w.master.dtype == DType::f64) reference::muon<double>(a, w);
        else reference::muon<float>(a, w);
}

}  // namespace

const Ops& reference_ops() {
    // clang-format off
    static const Ops table = immediate::completed({
        .name                   = "reference",
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
        .cast                   = checked<Cast, reference::cast>,
        .square_sum             = checked<SquareSum, reference::square_sum>,
        .clip_scale             = checked<ClipScale, reference::clip_scale>,
        .adamw                  = checked<AdamW, adamw>,
        .average                = checked<Average, average>,
        .muon                   = checked<Muon, muon>,
        .allocate               = allocate,
        .release                = release,
        .allocate_host          = allocate,
        .release_host           = release,
        .zero                   = zero,
        .copy_to_device         = copy_to_device,
        .copy_to_host           = copy_to_host,
        .copy                   = copy_to_device,
    });
    // clang-format on
    return table;
}

}  // namespace gradus
