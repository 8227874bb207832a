#pragma once
// The implementations of attention, of which attention.cu chooses one per call. They compute the same; kernels/attention.h has the
// formulas.
#include "kernels/attention.h"
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

// Any head width, alignment and dtype: one warp per query or key.
void attention_forward_any_width(const AttentionForward&, Stream);
void attention_backward_any_width(const AttentionBackward&, Stream);

// In tiles, if fit_tiles(): on tensor cores bf16, and f32 as tf32 if kernel_choices() say so; on CUDA cores f32. The three parts of backward run in this order.
void attention_forward_tiles(const AttentionForward&, Stream);
void attention_delta_tiles(const AttentionBackward&, Stream);
void attention_query_gradient_tiles(const AttentionBackward&, Stream);
void attention_key_gradients_tiles(const AttentionBackward&, Stream);

bool fit_tiles(const AttentionForward&);
bool fit_tiles(const AttentionBackward&);

// bf16 with sm_90a's own instructions. Requires what fit_hopper() tests, which is false on other GPUs, in builds without code for sm_90a
// (attention/absent/) and without kernel_choices().hopper.
void attention_forward_hopper(const AttentionForward&, Stream);
void attention_query_gradient_hopper(const AttentionBackward&, Stream);  // after attention_delta_tiles()
void attention_key_gradients_hopper(const AttentionBackward&, Stream);

bool fit_hopper(const AttentionForward&);
bool fit_hopper(const AttentionBackward&);

}  // namespace gradus::DEVICE
