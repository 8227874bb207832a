#pragma once
// Comm between devices with NCCL. Every rank has its own GPU, selected beforehand (kernels/ops.h: cuda_ops(device));
// MPI starts the ranks, exchanges texts and numbers in host memory, and monitors the ranks.
//
//   MpiWorld world;
//   NcclWorld devices(world, cuda_ops(world.local_rank()));
//   Mesh mesh = devices.mesh({.dp = 4, .tp = 2});
//   mesh.dp.sum(gradients, stream);                       // asynchronous
//
// NCCL refuses two ranks on one GPU; use engine/comm_staged.h. With one rank nothing is started, and every Comm is
// empty.
//
// f32, bf16, i32, f64 and c128. Sums are not in rank order (see engine/comm.h). A maximum propagates NaN, which NCCL
// does not guarantee: it is staged through the host, and blocks. barrier() and gather() concern only the hosts and do
// not wait for queued work.
//
// Communicators are created in non-blocking mode, the world's first and those of the axes by splitting it, each with a
// timeout. A watchdog thread follows every call: begun by the host, reached by the device, finished. It reports this to
// the other ranks with MPI heartbeats, and if a call does not finish it finds the reason:
//
//   a rank sends no heartbeat for MpiLimits::silence                  it is lost
//   a rank is in another call with the same index                     the ranks are not in the same call
//   a rank has not reached the call for MpiLimits::patience           it is stalled
//   all ranks have, and it is unfinished stall seconds later          the devices do not reach each other
//   NCCL reports an error                                             its message
//
// An error then names the rank, the call, the group and the step; the communicators are aborted, and all ranks end,
// with status_of_lost_rank if running the same command again may work. In addition, the ranks compare their calls so
// far with every gather(): calls that differ in size or dtype do not always hang, but give wrong sums.
//
// All calls are made from one thread. A build without NCCL links absent/nccl_absent.cpp, where more than one rank is an
// Error.
#include <memory>
#include <string>

#include "engine/comm_mpi/mpi_world.h"
#include "kernels/ops.h"

namespace gradus {

namespace nccl {
struct World;
}

struct NcclLimits {
    double connect = 120;  // seconds to create a communicator, and to enqueue a call
    double stall = 60;     // seconds that a call may take after every device has reached it
};

class NcclWorld {
public:
    // `identity`, the settings one a line, must be the same on all ranks. Error on every rank if it differs, or if
    // versions of NCCL differ or are too old.
    NcclWorld(MpiWorld&, const Ops& device, const std::string& identity = {}, const NcclLimits& = {});
    // Requires that queued work has finished. During stack unwinding it returns at once, as MpiWorld does, without
    // aborting the communicators: the others would see the abort before the reason.
    ~NcclWorld();
    NcclWorld(const NcclWorld&) = delete;
    NcclWorld& operator=(const NcclWorld&) = delete;

    Comm all() const;
    Mesh mesh(const MeshSizes& asked);  // as MpiWorld's
    Comm group(const char* name, const std::vector<int>& ranks);

private:
    std::unique_ptr<nccl::World> world_;  // none with one rank
};

// "2.28.9", the version of the loaded library; empty: this build has none.
std::string nccl_version();

}  // namespace gradus
