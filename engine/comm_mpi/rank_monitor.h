#pragma once
// The services of the MPI world for a Comm with another transport (engine/comm_nccl): it reports the device's progress
// to the other ranks with every heartbeat, returns their progress, and aborts the job. Callable from any thread.
#include <functional>

#include "engine/comm_mpi/messages.h"
#include "engine/comm_mpi/mpi_world.h"

namespace gradus::mpi {

class RankMonitor {
public:
    explicit RankMonitor(const MpiWorld& world) : world_(world.world_.get()) {}  // of two ranks or more

    int rank() const;
    const MpiLimits& limits() const;
    int id_of(const Comm&) const;  // Header::group of a Comm that the world made

    void set_device_progress(int group, const DeviceProgress&) const;
    double silence_of(int rank) const;  // seconds
    Beat last_of(int rank) const;
    int64_t advances() const;                  // Heartbeat's
    std::string name_of_rank(int rank) const;  // "rank 1 on 'host'"
    const std::string& host_of(int rank) const;
    // "in all-reduce #8 of all, 1 of f32, at step 7": the last MPI call that the rank reported.
    std::string last_call_of(int rank) const;

    [[noreturn]] void fail(const Error&, int status, const std::function<void()>& last) const;

private:
    World* world_;
};

}  // namespace gradus::mpi
