#pragma once
// The ranks that mpirun started, and groups of them over MPI. Host memory; f32, bf16, i32, f64 and c128.
//
//   MpiWorld world;                                     // before anything that talks to other ranks
//   Mesh mesh = world.mesh({.dp = 2, .tp = 2});
//   mesh.dp.sum(gradients, {});
//
// With one rank (no mpirun, or mpirun -n 1) MPI is not started and every Comm is the empty one.
//
// Every call begins with a handshake: each rank tells each other rank of the group what it calls, so ranks that are not
// in the same call find out at once. Small tensors travel with it. Large ones are summed where they belong: rank r
// receives part r from everyone, in pieces, and adds them in rank order; then the parts are gathered.
//
// Nobody waits for ever. A thread of each rank tells the others every few seconds that it lives (and what it does). Who
// waits for a rank that has given no sign for limits.silence seconds, or that lives but has kept it waiting for
// limits.patience seconds, prints three lines that name the rank, its host, the call, the group and the step, and ends
// all ranks by MPI_Abort. A rank that computes for long gives signs and is waited for; time in which this process was
// itself stopped does not count, and patience begins anew whenever a rank tells of progress with files (a checkpoint that is
// checked, loaded or saved: engine/base/progress.h). A rank whose process dies is named at once by another one of its host,
// while mpirun ends them all.
//
// Calls come from one thread. A build without MPI links absent/mpi_absent.cpp, where more than one rank is an Error.
#include <memory>
#include <string>

#include "engine/mesh.h"

namespace gradus {

namespace mpi {
struct World;
class Watch;
}  // namespace mpi

// The exit status of ranks that lost another one: the same command may well work the next time (EX_TEMPFAIL).
inline constexpr int status_of_lost_rank = 75;

struct MpiLimits {
    double silence = 60;  // seconds without a heartbeat after which a rank counts as lost
    // Seconds without progress that a rank which gives signs may keep another one waiting in a call.
    double patience = 1800;
};

class MpiWorld {
public:
    // Error when the build has no MPI or the launcher's ranks do not find each other.
    explicit MpiWorld(const MpiLimits& limits = {});
    // Waits for the other ranks and ends MPI. While an exception passes it leaves at once, so that the exit status of
    // this process makes mpirun end the others.
    ~MpiWorld();
    MpiWorld(const MpiWorld&) = delete;
    MpiWorld& operator=(const MpiWorld&) = delete;

    int rank() const, size() const;
    int local_rank() const, local_size() const;  // among the ranks of this host
    const std::string& host(int rank) const;

    Comm all() const;                   // every rank
    Mesh mesh(const MeshSizes& asked);  // every rank asks for the same; Error where it does not fit the ranks
    Comm group(const char* name, const std::vector<int>& ranks);  // of world ranks; every rank makes as many groups

    // What to do when a rank was lost: "resume: mpirun -n 4 gradus …". Until then, to start the same command again.
    void set_resume(const std::string& command);

    // Prints "[rank r] error: …" and ends every rank with this status. For whoever catches.
    [[noreturn]] void fail(const Error&, int status = 1) const;

private:
    friend class mpi::Watch;
    std::unique_ptr<mpi::World> world_;  // none with one rank
};

}  // namespace gradus
