#pragma once
// A device's table for tensors of the host: every op of hosted(device) copies what it is given to memory of the device,
// runs there, waits, copies back what it may have written, and gives the memory back. So the same test runs on any table.
//
// It is a strict host. Each tensor has memory of exactly its size, so that one element past the end is past the end for a
// sanitizer too; tensors that share memory share it there. An Out comes to the device as 0xff bytes (NaN), whatever the
// host holds. An In that comes back changed is a InternalError.
#include "kernels/ops.h"

namespace gradus::test {

// One device at a time: the last one asked for.
const Ops& hosted(const Ops& device);

// While this lives, every tensor begins one element past where the host has it, as slices of a larger tensor do.
struct Shifted {
    Shifted();
    ~Shifted();
};

}  // namespace gradus::test
