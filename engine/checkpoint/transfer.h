#pragma once
// Numbers between host memory and tensors that may live on a device, converted on the way, a few MiB at a time.
#include "engine/checkpoint/elements.h"
#include "kernels/ops.h"

namespace gradus {

inline constexpr int64_t transfer_piece_bytes = 4 << 20;

// The tensor's rows [rows, last] ← from.
void copy_in(const Ops&, Stream, Tensor to, Strided<const std::byte> from);
// to ← the tensor's rows [rows, last].
void copy_out(const Ops&, Stream, Strided<std::byte> to, Tensor from);

// Nothing but copies, for tensors in memory of the host; from any thread, on one.
const Ops& host_memory();

}  // namespace gradus
