#pragma once
// Comm between devices, by NCCL. Every rank has a GPU of its own, which was selected before (kernels/ops.h: cuda_ops(device));
// MPI starts the ranks, carries texts and numbers of the host, and monitors the ranks.
//
//   MpiWorld world;
//   NcclWorld devices(world, cuda_ops(world.local_rank()));
//   Mesh mesh = devices.mesh({.dp = 4, .tp = 2});
//   mesh.dp.sum(gradients, stream);                       // queued; the host goes on
//
// Two ranks on one GPU: NCCL refuses; use engine/comm_staged.h. With one rank nothing is started, and every Comm is the
// empty one.
//
// f32, bf16, i32, f64 and c128. Sums are not made in the order of the ranks (engine/comm.h says what follows). A maximum
// keeps NaN, which NCCL does not promise: it goes through the host, and waits. barrier() and gather() are of the hosts
// alone and do not wait for what is queued.
//
// Communicators are created in non-blocking mode, the world's first and those of the axes by splitting it, each with a timeout.
// A watchdog thread follows every call: begun by the host, reached by the device, finished. It reports this to the other ranks
// with the heartbeats of MPI, and where a call does not end it finds the reason:
//
//   a rank sends no heartbeat for MpiLimits::silence                  it is lost
//   a rank's call of the same number is another call                  the ranks are not in the same call
//   a rank has not reached the call for MpiLimits::patience           it is stalled
//   all ranks have, and stall seconds later it is not finished        the devices do not reach each other
//   NCCL reports an error                                             its message
//
// An error then names the rank, the call, the group and the step; the communicators are aborted, and all ranks end, with
// status_of_lost_rank where the same command may well work the next time. Besides, with every gather() the ranks compare
// their calls so far: calls that differ in size or dtype need not hang, and would give wrong sums.
//
// Calls come from one thread. A build without NCCL links absent/nccl_absent.cpp, where more than one rank is an Error.
#include <memory>
#include <string>

#include "engine/comm_mpi/mpi_world.h"
#include "kernels/ops.h"

namespace gradus {

namespace nccl {
struct World;
}

struct NcclLimits {
    double connect = 120;  // seconds for a communicator to be made, and for NCCL to take a call
    double stall = 60;     // seconds that a call may take after every device has come to it
};

class NcclWorld {
public:
    // `identity` must be the same on all ranks: the settings, in lines. Error, on every rank, where it is not, and where
    // ranks have different versions of NCCL or one that is too old.
    NcclWorld(MpiWorld&, const Ops& device, const std::string& identity = {}, const NcclLimits& = {});
    // What was queued must be done. While an exception passes it leaves at once, as MpiWorld does, and does not abort: the
    // others would see that before they hear the reason.
    ~NcclWorld();
    NcclWorld(const NcclWorld&) = delete;
    NcclWorld& operator=(const NcclWorld&) = delete;

    Comm all() const;
    Mesh mesh(const MeshSizes& asked);  // as MpiWorld's
    Comm group(const char* name, const std::vector<int>& ranks);

private:
    std::unique_ptr<nccl::World> world_;  // none with one rank
};

// "2.28.9", of the library that is loaded; empty: this build has none.
std::string nccl_version();

}  // namespace gradus
