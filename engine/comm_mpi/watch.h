#pragma once
// What a Comm that moves tensors by other means than MPI needs of this world (engine/comm_nccl): it tells the other ranks,
// with every beat, how far its device is, knows how far theirs are, and ends all of them. From any thread.
#include <functional>

#include "engine/comm_mpi/mpi_world.h"
#include "engine/comm_mpi/wire.h"

namespace gradus::mpi {

class Watch {
public:
    explicit Watch(const MpiWorld& world) : world_(world.world_.get()) {}  // of two ranks or more

    int rank() const;
    const MpiLimits& limits() const;
    int id_of(const Comm&) const;  // Header::group of a Comm that the world made

    void tell(int group, const DeviceProgress&) const;
    double silence_of(int rank) const;  // seconds
    Beat last_of(int rank) const;
    int64_t advances() const;                  // Heartbeat's
    std::string name_of_rank(int rank) const;  // "rank 1 on 'host'"
    const std::string& host_of(int rank) const;
    // "in all-reduce #8 of all, 1 of f32, at step 7": what the host of that rank said last of its calls in MPI.
    std::string whereabouts(int rank) const;

    [[noreturn]] void fail(const Error&, int status, const std::function<void()>& last) const;

private:
    World* world_;
};

}  // namespace gradus::mpi
