#pragma once
// A Comm for tensors on a device that goes through host memory: the inputs of a call are copied to the host, the call
// is made there, and its results are copied back.
//
//   MpiWorld world;
//   Staging staging(ops);
//   Mesh mesh = staging.mesh(world.mesh({.dp = 2}));      // mesh.dp.sum(gradients, stream)
//
// For ranks that share one GPU, which NCCL refuses, and for builds without NCCL. Sums are deterministic as in
// engine/comm.h: the same bits on every rank and in every run. It is slow: every byte is copied twice, and a call
// returns when its result is on the device, so nothing overlaps with it.
//
// The host buffer grows to the largest call and is kept.
#include <memory>
#include <vector>

#include "engine/mesh.h"
#include "kernels/ops.h"

namespace gradus {

class Staging {
public:
    explicit Staging(const Ops& device);
    ~Staging();
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    // The same ranks. Comms and meshes are valid as long as this object.
    Comm comm(const Comm& on_host);
    Mesh mesh(const Mesh& on_host);

    struct Group;  // a Comm's
    char* buffer(size_t bytes);
    const Ops& ops() const { return ops_; }

private:
    const Ops& ops_;
    std::vector<std::unique_ptr<Group>> groups_;
    char* buffer_ = nullptr;
    size_t bytes_ = 0;
};

}  // namespace gradus
