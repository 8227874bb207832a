#pragma once
// The rungs of attention on sm_90a.
#include "kernels/attention.h"
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

void attention_hopper_pipeline(const AttentionForward&, Stream);  // hopper_pipeline.cu

}  // namespace gradus::DEVICE
