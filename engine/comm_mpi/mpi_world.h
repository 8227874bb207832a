#pragma once
// The ranks that mpirun started, and groups of them over MPI. Host memory; f32, bf16, i32, f64 and c128.
//
//   MpiWorld world;                                     // before any communication
//   Mesh mesh = world.mesh({.dp = 2, .tp = 2});
//   mesh.dp.sum(gradients, {});
//
// With one rank (no mpirun, or mpirun -n 1) MPI is not started and every Comm is empty.
//
// Every call begins with a handshake: each rank sends each other rank of the group a header that describes the call, so
// a mismatch is detected at once. Small tensors are sent with the header. Large ones are reduce-scattered and
// all-gathered: rank r receives part r from all others, in pieces, and adds the pieces in rank order; then the parts
// are gathered.
//
// A hang is worse than a crash, so a thread of each rank sends a heartbeat every few seconds that says what the rank
// does. A rank that waits for a rank without a heartbeat for limits.silence seconds, or waits limits.patience seconds
// for a rank that is alive, prints an error that names the rank, its host, the call, the group and the step, and calls
// MPI_Abort. A rank that computes for a long time keeps sending heartbeats and is waited for. Time in which the waiting
// process itself was stopped does not count, and patience starts again whenever a rank reports progress with files (it
// verifies, loads or saves a checkpoint: engine/base/progress.h). When a rank's process dies, another rank of its host
// reports it at once (local_ranks.h).
//
// All calls are made from one thread. A build without MPI links absent/mpi_absent.cpp, where more than one rank is an
// Error.
#include <memory>
#include <string>

#include "engine/base/exit_status.h"
#include "engine/mesh.h"
#include "engine/settings/mesh.h"

namespace gradus {

namespace mpi {
struct World;
class RankMonitor;
}  // namespace mpi

struct MpiLimits {
    double silence = MeshSettings{}.silence;  // seconds without a heartbeat after which a rank counts as lost
    // Seconds without progress that a rank waits in a call for another rank that is alive.
    double patience = 1800;
};

class MpiWorld {
public:
    // Error when the build has no MPI or the launched ranks do not find each other.
    explicit MpiWorld(const MpiLimits& limits = {});
    // Waits for the other ranks and ends MPI. During stack unwinding it returns at once, so that the exit status of
    // this process makes mpirun end the others.
    ~MpiWorld();
    MpiWorld(const MpiWorld&) = delete;
    MpiWorld& operator=(const MpiWorld&) = delete;

    int rank() const, size() const;
    int local_rank() const, local_size() const;  // among the ranks of this host
    const std::string& host(int rank) const;

    Comm all() const;                   // every rank
    Mesh mesh(const MeshSizes& asked);  // the same on every rank; Error if it does not match the number of ranks
    Comm group(const char* name,
               const std::vector<int>& ranks);  // of world ranks; every rank makes the same number of groups

    // What errors advise when a rank was lost: "resume: mpirun -n 4 gradus …". By default, to start the same command
    // again.
    void set_resume(const std::string& command);

    // Prints "[rank r] error: …" and ends every rank with this status. For use in a catch block.
    [[noreturn]] void fail(const Error&, int status = 1) const;

private:
    friend class mpi::RankMonitor;
    std::unique_ptr<mpi::World> world_;  // none with one rank
};

}  // namespace gradus
