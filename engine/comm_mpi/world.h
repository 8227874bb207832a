#pragma once
// Internal declarations of this folder: the world, its groups, and how the job is aborted when a rank is lost.
#include <mpi.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/comm_buffers.h"
#include "engine/comm_mpi/heartbeat.h"
#include "engine/comm_mpi/local_ranks.h"
#include "engine/comm_mpi/messages.h"
#include "engine/comm_mpi/mpi_mutex.h"
#include "engine/comm_mpi/mpi_world.h"

namespace gradus::mpi {

// A transfer to or from one rank of the group. A ring buffer has slots for pieces_in_flight pieces, which are reused.
struct Flow {
    int index;  // of the other rank, in the group
    bool incoming;
    char* data;
    size_t bytes;
    bool ring = false;
    int64_t posted = 0, completed = 0;  // pieces
    bool done[2] = {};
};

struct Group {
    World& world;
    int id;
    std::string name;
    std::vector<int> ranks;  // of the world, in the order of this group
    int mine;                // this rank's index in them
    int64_t calls = 0;
    std::vector<int64_t> sent, received;  // to and from each rank of the group
    size_t piece = 0;                     // bytes of a piece that is added on arrival
    std::vector<char> scratch;            // pieces_in_flight such pieces for each other rank
    std::vector<Flow> flows;
    std::vector<const void*> sources;

    int size() const { return int(ranks.size()); }
};

struct World {
    int rank = 0, size = 1, local_rank = 0, local_size = 1;
    bool oversubscribed = false;  // this host has more ranks than cores
    bool cores_are_busy = false;  // with other processes, as measured in the last wait
    MpiLimits limits;
    std::vector<std::string> hosts;
    std::mutex& library = mpi_mutex();
    std::optional<Heartbeat> heartbeat;
    std::optional<LocalRanks> local_ranks;
    std::string resume = "start the same command again";  // guarded by `groups_mutex`
    int64_t step = 0, calls = 0;
    std::vector<std::unique_ptr<Group>> groups;  // the first one has all ranks
    std::mutex groups_mutex;                     // guards the list of groups against readers in other threads

    // Header messages and requests: one slot for each rank, reused by every call.
    std::vector<char> outgoing, incoming;
    std::vector<MPI_Request> requests;
    std::vector<int> completed, awaited;

    Group& add_group(std::string name, std::vector<int> ranks);
    // Prints the error, runs `last` (a few seconds at most) and aborts the job; only for the first thread that calls
    // it.
    [[noreturn]] void fail(const Error&, int status, const std::function<void()>& last = {});
    [[noreturn]] void report_lost(int rank, int process);  // of a rank whose process has ended, without a delay
    void check(int mpi_status, const char* function);      // fail() if MPI reports an error

    std::string name_of_rank(int r) const { return "rank " + std::to_string(r) + " on '" + hosts[size_t(r)] + "'"; }
    std::string text_of(const Header&);
    std::string last_call_of(int rank);  // "in all-reduce #8 of all, 1 of f32, at step 7": by its last heartbeat
    std::string text_of_resume();

private:
    void claim_report();  // returns only to the first thread that calls it
    [[noreturn]] void report_and_abort(const Error&, int status, const std::function<void()>& last);
};

Comm comm_of(Group&);
void wait_for_everyone(Group&);  // at the end of the program

// Waits for other ranks: polls, then yields, then sleeps; aborts the job when the awaited ranks are lost. Call
// progressed() after a poll that found progress, pause() after one that found none.
class Wait {
public:
    Wait(World& world, const Header& call) : world_(world), call_(call) {}

    void progressed() { idle_ = sleeps_ = 0; }
    // each_awaited(f) calls f(rank) for each awaited world rank.
    template <class Visit>
    void pause(Visit&& each_awaited) {
        if (!back_off()) return;
        world_.awaited.clear();
        each_awaited([&](int rank) {  // a rank may be awaited for both sending and receiving
            if (std::find(world_.awaited.begin(), world_.awaited.end(), rank) == world_.awaited.end())
                world_.awaited.push_back(rank);
        });
        check_peers();
    }

private:
    bool back_off();     // true when it is time to check the peers
    void check_peers();  // aborts if one of world_.awaited is lost or stalled
    [[noreturn]] void report(const std::vector<int>& ranks, const std::string& state);

    World& world_;
    const Header& call_;
    int idle_ = 0, sleeps_ = 0;
    double waited_ = 0, looked_at_ = -1;  // seconds; waited_: since a rank last reported progress
    int64_t advances_ = 0;
};

}  // namespace gradus::mpi
