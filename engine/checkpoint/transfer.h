#pragma once
// Numbers between host memory and tensors that may live on a device, converted on the way, a few MiB at a time.
#include "engine/checkpoint/elements.h"
#include "engine/run.h"

namespace gradus {

// The tensor's rows [rows, last] ← from.
void copy_in(const Run&, Tensor to, Strided<const std::byte> from);
// to ← the tensor's rows [rows, last].
void copy_out(const Run&, Strided<std::byte> to, Tensor from);

}  // namespace gradus
