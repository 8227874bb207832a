// How a rank waits for others, and how it aborts the job when they do not come.
#include <sched.h>
#include <time.h>

#include <algorithm>

#include <fmt/format.h>

#include "engine/comm_mpi/world.h"

namespace gradus::mpi {

namespace {

// Polls before the rank sleeps. Where ranks share cores, one that polls keeps the one it waits for from running.
constexpr int spins_exclusive = 2000, spins_shared = 20, yields = 200;
constexpr double quick_yield = 50e-6;  // seconds; after a longer one another process has had the core
constexpr double shortest_sleep = 20e-6, longest_sleep = 500e-6;  // seconds
constexpr double check_interval = 0.05;
constexpr int most_named = 4;  // ranks in one message

double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

}  // namespace

// A yield on a busy machine gives the core away for some milliseconds, and polling uses up the time slice in which the message
// would be received. A process that sleeps is scheduled soon after it wakes, so there the rank sleeps after the first yield,
// and polls less in its next waits, until a yield is quick again.
bool Wait::rest() {
    ++idle_;
    const int spins = world_.oversubscribed || world_.cores_are_busy ? spins_shared : spins_exclusive;
    if (idle_ <= spins) return false;
    if (sleeps_ == 0 && idle_ <= spins + yields) {
        const double before = now();
        sched_yield();
        world_.cores_are_busy = now() - before > quick_yield;
        sleeps_ = world_.cores_are_busy;
        return false;
    }
    const double seconds = std::min(longest_sleep, shortest_sleep * (1 + 0.1 * sleeps_++));
    const timespec nap = {0, long(1e9 * seconds)};
    nanosleep(&nap, nullptr);
    const double t = now();
    if (looked_at_ >= 0 && t - looked_at_ < check_interval) return false;
    // A long gap is time in which this process did not run.
    if (looked_at_ >= 0) waited_ += std::min(t - looked_at_, 1.0);
    looked_at_ = t;
    return true;
}

void Wait::check_peers() {
    const Heartbeat& heartbeat = *world_.heartbeat;
    world_.heartbeat->wait_for(world_.missing.empty() ? -1 : world_.missing[0]);
    // A rank that makes progress may be what the others wait for, directly or not.
    if (const int64_t advances = heartbeat.advances(); advances != advances_) {
        advances_ = advances;
        waited_ = 0;
    }
    const bool over = waited_ >= world_.limits.patience;
    std::string who, where;
    int rank = -1, named = 0;
    bool lost = false;
    for (int r : world_.missing) {
        const bool silent = heartbeat.silence_of(r) >= world_.limits.silence;
        if (!silent && !over) continue;
        if (silent != lost) {  // where some ranks are lost, they are the cause
            if (!silent) continue;
            lost = true;
            who.clear();
            where.clear();
            named = 0;
        }
        if (named++ == 0) rank = r;
        if (named > most_named) continue;
        const Beat beat = heartbeat.last_of(r);
        who += (who.empty() ? "" : ", ") + world_.name_of_rank(r);
        where += fmt::format("; rank {} ", r);
        where += lost ? fmt::format("has sent no heartbeat for {:.3g} s, last seen ", heartbeat.silence_of(r))
                      : fmt::format("has been alive for these {:.3g} s, ", waited_);
        where += beat.last.call == Call::nothing ? "before its first call"
                                                 : (beat.inside ? "in " : "after ") + world_.text_of(beat.last);
        if (!lost && beat.inside && beat.waits_for >= 0) where += fmt::format(", waiting for rank {}", beat.waits_for);
    }
    if (rank < 0) return;
    if (named > most_named) who += fmt::format(" and {} more", named - most_named);
    const std::string host = world_.hosts[size_t(rank)];
    world_.fail(Error(who + (lost        ? named > 1 ? " are lost" : " is lost"
                             : named > 1 ? " are stalled"
                                         : " is stalled"),
                      fmt::format("rank {} waits in {}{}", world_.rank, world_.text_of(call_), where),
                      lost ? "see whether that machine runs, is stopped or swaps (ssh " + host + " uptime), then " +
                                 world_.text_of_resume()
                           : "see what that rank does (ssh " + host + " top), then " + world_.text_of_resume()),
                status_of_lost_rank);
}

}  // namespace gradus::mpi
