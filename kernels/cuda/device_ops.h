#pragma once
// The ops of the GPU backend, one file per family. The formulas are in kernels/<family>.h.
#include "kernels/cuda/primitives/device.h"
#include "kernels/ops.h"

namespace gradus::DEVICE {

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

// The table of these ops and of the functions of kernels/cuda/memory.h.
const Ops& table();

}  // namespace gradus::DEVICE
