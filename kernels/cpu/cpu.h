#pragma once
// The ops of the CPU backend, one file per family. The formulas are in kernels/<family>.h.
#include "kernels/ops.h"
#include "kernels/scalar.h"

namespace gradus::cpu {

void embedding_forward(const EmbeddingForward&, Stream);
void embedding_backward(const EmbeddingBackward&, Stream);
void layernorm_forward(const LayerNormForward&, Stream);
void add_layernorm_forward(const AddLayerNormForward&, Stream);
void layernorm_backward(const LayerNormBackward&, Stream);
void rmsnorm_forward(const RmsNormForward&, Stream);
void add_rmsnorm_forward(const AddRmsNormForward&, Stream);
void rmsnorm_backward(const RmsNormBackward&, Stream);
void linear_forward(const LinearForward&, Stream);
void linear_backward_input(const LinearBackwardInput&, Stream);
void linear_backward_weight(const LinearBackwardWeight&, Stream);
void linear_activation_forward(const LinearActivationForward&, Stream);
void linear_activation_backward(const LinearActivationBackward&, Stream);
void row_dot_forward(const RowDotForward&, Stream);
void row_dot_backward(const RowDotBackward&, Stream);
void rope_forward(const Rope&, Stream);
void rope_backward(const Rope&, Stream);
void qk_norm_rope_forward(const QkNormRopeForward&, Stream);
void qk_norm_rope_backward(const QkNormRopeBackward&, Stream);
void attention_forward(const AttentionForward&, Stream);
void attention_backward(const AttentionBackward&, Stream);
void attention_cached(const AttentionCached&, Stream);
void activation_forward(const ActivationForward&, Stream);
void activation_backward(const ActivationBackward&, Stream);
void gated_forward(const GatedForward&, Stream);
void gated_backward(const GatedBackward&, Stream);
void dropout(const Dropout&, Stream);
void add_dropout(const AddDropout&, Stream);
void add_noise(const AddNoise&, Stream);
void cross_entropy_stats(const CrossEntropyStats&, Stream);
void cross_entropy_join(const CrossEntropyJoin&, Stream);
void cross_entropy_forward(const CrossEntropyForward&, Stream);
void cross_entropy_backward(const CrossEntropyBackward&, Stream);
void cross_entropy(const CrossEntropy&, Stream);
void sample(const Sample&, Stream);
void add(const Add&, Stream);
void cast(const Cast&, Stream);
void square_sum(const SquareSum&, Stream);
void clip_scale(const ClipScale&, Stream);
void adamw(const AdamW&, Stream);
void average(const Average&, Stream);
void muon(const Muon&, Stream);

// Calls run(float{}) or run(bf16{}) for the dtype of a tensor.
template <class Run>
void by_dtype(DType t, Run&& run) {
    if (t == DType::f32) return run(float{});
    CHECK(t == DType::bf16, "the CPU backend computes in f32 and bf16");
    run(bf16{});
}

// For master weights, moments and statistics.
inline void require_f32(const Tensor& t) { CHECK(t.dtype == DType::f32, "the CPU backend accumulates in f32"); }

}  // namespace gradus::cpu
