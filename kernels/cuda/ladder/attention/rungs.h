#pragma once
// The rungs of attention's forward pass that are not shipped. Each falls back to the op of the table where it does not apply.
#include "kernels/attention.h"
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

void attention_thread_per_query(const AttentionForward&, Stream);
void attention_shared_tiles(const AttentionForward&, Stream);

}  // namespace gradus::DEVICE
