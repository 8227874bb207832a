#pragma once
// A backend for tensors in host memory: every op of hosted(device) copies its arguments to device memory, runs there, waits,
// copies back what the op may have written, and releases the memory. So the same test runs on any backend.
//
// It is strict. Each tensor has memory of exactly its size, so that sanitizers detect every access past the end; tensors that
// share memory share it on the device. An Out is filled with 0xff bytes (NaN) first. An In that changes is an
// InternalError.
#include "kernels/ops.h"

namespace gradus::test {

// One device at a time: that of the last call.
const Ops& hosted(const Ops& device);

// From now on, every op is captured into a graph, which is replayed once; or not any more.
void capture_calls(bool on);

// While this exists, every tensor on the device begins one element after an aligned address, as slices may.
struct Shifted {
    Shifted();
    ~Shifted();
};

// While this exists, ops have at most this many bytes of Stream::workspace; otherwise 1 MiB, on a backend that wants one.
struct Workspace {
    explicit Workspace(size_t bytes);
    ~Workspace();
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
};

}  // namespace gradus::test
