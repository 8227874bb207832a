#pragma once
// The implementations of attention, of which attention.cu chooses one per call. They compute the same; kernels/attention.h has the
// formulas.
#include "kernels/attention.h"
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

// Any head width, alignment and dtype: one warp per query or key.
void attention_forward_any_width(const AttentionForward&, Stream);
void attention_backward_any_width(const AttentionBackward&, Stream);

// bf16 on tensor cores. Requires what fit_tiles() tests.
void attention_forward_tiles(const AttentionForward&, Stream);

bool fit_tiles(const AttentionForward&);

}  // namespace gradus::DEVICE
