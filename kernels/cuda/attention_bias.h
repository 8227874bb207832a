#pragma once
// The gradient of a relative bias, as part of attention backward: kernels/cuda/attention_bias.cu.
#include "kernels/attention.h"
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

// Adds to a.d_bias. delta must have been written.
void attention_bias_backward(const AttentionBackward&, Stream);

}  // namespace gradus::DEVICE
