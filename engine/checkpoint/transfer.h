#pragma once
// Copies between host memory and tensors on any device, with conversion of the dtype, a few MiB at a time.
#include "engine/checkpoint/elements.h"
#include "kernels/ops.h"

namespace gradus {

inline constexpr int64_t transfer_piece_bytes = 4 << 20;

// The tensor's rows [rows, last] ← from.
void copy_in(const Ops&, Stream, Tensor to, Strided<const std::byte> from);
// to ← the tensor's rows [rows, last].
void copy_out(const Ops&, Stream, Strided<std::byte> to, Tensor from);

// A table with copies only, for tensors in host memory; usable from any thread.
const Ops& host_memory();

}  // namespace gradus
