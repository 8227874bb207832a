#pragma once
// Internal declarations of this folder: communicators, groups, and pending calls.
#include <nccl.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/comm_mpi/rank_monitor.h"
#include "engine/comm_nccl/diagnosis.h"
#include "engine/comm_nccl/nccl_world.h"
#include "engine/comm_staged.h"

namespace gradus::nccl {

using mpi::Call;
using mpi::DeviceProgress;
using mpi::Header;

struct Communicator {
    ncclComm_t handle = nullptr;
    std::timed_mutex busy;  // locked around every NCCL call on it
};

// A call that has begun and not finished. connect has no events: the host waits for it.
struct Pending {
    Header call;
    Event start = {}, end = {};
    bool enqueued = false;  // it is enqueued, with `end` after it in the stream
};

struct World;

struct Group {
    World& world;
    int slot;  // index in order of creation, the same on all ranks
    int id;    // of the MPI group of the same ranks
    std::string name;
    std::vector<int> ranks;  // of the world, in the order of this group
    int mine;                // this rank's index in them
    Comm host, staged;       // the same ranks with MPI: for host memory, and for device memory staged through it
    Communicator* devices = nullptr;

    // Number of collectives so far, and a digest of them: equal on all ranks at the same point of the program.
    int64_t calls = 0, messages = 0;
    uint64_t digest = 0;
    Header last = {};
    Event end_event = {};  // of the call that is being enqueued

    // Guarded by World::state.
    std::deque<Pending> pending = {};
    int64_t begun = 0, finished = 0;
    Header newest = {};         // the last one begun
    bool reached = false;       // the device has reached the first pending call,
    double reached_since = -1;  // and since when, on the watchdog's clock
    double together_since = -1;

    int size() const { return int(ranks.size()); }
};

struct World {
    World(MpiWorld&, const Ops&, const NcclLimits&);
    ~World();

    MpiWorld& ranks;
    mpi::RankMonitor monitor;
    const Ops& ops;
    NcclLimits limits;
    Staging staging;
    int64_t step = 0;

    std::mutex state;                                          // guards the members below and the groups' pending calls
    std::vector<std::shared_ptr<Communicator>> communicators;  // the first one has all ranks
    std::vector<std::unique_ptr<Group>> groups;
    std::vector<Event> spare;

    Group& add_group(const std::string& name, const std::vector<int>& members, const Comm& host);
    void connect(Group&, Communicator& parent);  // by splitting it
    void connect_all(Group&);                    // for the group of all ranks
    void finalize();

    // Called before and after a call is enqueued. `stream`: null for connect.
    Header begin(Group&, Call, DType, int64_t count, int root, const Stream* stream);
    void end_enqueue(Group&, const Stream* stream);
    // Waits until the call that returned `result` is no longer in progress.
    void wait_until_enqueued(Group&, Communicator&, const Header&, ncclResult_t result, const char* function);

    [[noreturn]] void fail(const Error&, int status);
    [[noreturn]] void fail(Group&, const Communicator&, const Header&, ncclResult_t, const char* function);
    void abort_all();
    std::vector<Other> others_of(const Group&) const;

    // For the watchdog. update_progress() removes finished calls from `pending` and reports progress to the other
    // ranks.
    void update_progress(Group&);
    void start_watchdog();
    void stop_watchdog();

private:
    void watch_over();
    void diagnose_all(double now);
    void check_errors();

    std::condition_variable wake_;
    bool stopping_ = false;
    int64_t advances_ = 0;  // the last RankMonitor::advances(); used by the watchdog only
    std::thread watchdog_;
};

Comm comm_of(Group&);
std::string text_of_result(ncclResult_t, const Communicator&);

}  // namespace gradus::nccl
