#pragma once
// What the files of this folder share: communicators, groups, and pending calls.
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
    std::timed_mutex busy;  // held around every call of NCCL on it
};

// A call between its beginning and its end. Of connect there are no events: the host waits for it.
struct Pending {
    Header call;
    Event start = {}, end = {};
    bool issued = false;  // NCCL has taken it, and `end` is behind it in the stream
};

struct World;

struct Group {
    World& world;
    int slot;  // in the order in which groups are made, on all ranks alike
    int id;    // of the same ranks in MPI
    std::string name;
    std::vector<int> ranks;  // of the world, in the order of this group
    int mine;                // this rank's place in them
    Comm host, staged;       // the same ranks by MPI: of host memory, and through it
    Communicator* devices = nullptr;

    // Collectives so far, and a digest of them: equal on all ranks at the same point of the program.
    int64_t calls = 0, messages = 0;
    uint64_t digest = 0;
    Header last = {};
    Event open_end = {};  // of the call that is being issued

    // Guarded by World::state.
    std::deque<Pending> pending = {};
    int64_t begun = 0, finished = 0;
    Header newest = {};         // begun last
    bool reached = false;       // the device has come to the first pending call,
    double reached_since = -1;  // since then, by the watchdog's clock
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

    std::mutex state;                                          // guards what follows, and the groups' pending calls
    std::vector<std::shared_ptr<Communicator>> communicators;  // the first one is everybody's
    std::vector<std::unique_ptr<Group>> groups;
    std::vector<Event> spare;

    Group& add_group(const std::string& name, const std::vector<int>& members, const Comm& host);
    void connect(Group&, Communicator& parent);  // by splitting it
    void connect_all(Group&);                    // of every rank
    void finalize();

    // Between them a call is issued. `stream`: none for connect.
    Header begin(Group&, Call, DType, int64_t count, int root, const Stream* stream);
    void issued(Group&, const Stream* stream);
    // Waits until NCCL has taken what it answered `result` to.
    void settle(Group&, Communicator&, const Header&, ncclResult_t result, const char* function);

    [[noreturn]] void fail(const Error&, int status);
    [[noreturn]] void fail(Group&, const Communicator&, const Header&, ncclResult_t, const char* function);
    void abort_all();
    std::vector<Other> others_of(const Group&) const;

    // The watchdog's. look() removes finished calls from the pending ones and reports progress to the other ranks.
    void look(Group&);
    void start_watchdog();
    void stop_watchdog();

private:
    void watch_over();
    void diagnose_all(double now);
    void check_errors();

    std::condition_variable wake_;
    bool stopping_ = false;
    int64_t advances_ = 0;  // of the watchdog alone: what RankMonitor::advances() said last
    std::thread watchdog_;
};

Comm comm_of(Group&);
std::string text_of_result(ncclResult_t, const Communicator&);

}  // namespace gradus::nccl
