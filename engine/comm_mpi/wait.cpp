// How a rank waits for others, and aborts the job when they are lost.
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "engine/comm_mpi/world.h"

namespace gradus::mpi {

namespace {

// Polls before the rank sleeps. If ranks share cores, polling keeps the awaited rank from running.
constexpr int spins_exclusive = 2000, spins_shared = 20, yields = 200;
constexpr double quick_yield = 50e-6;  // seconds; during a longer one another process ran on the core
constexpr double shortest_sleep = 20e-6, longest_sleep = 500e-6;  // seconds
constexpr double check_interval = 0.05;

double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

}  // namespace

// On a busy machine a yield gives the core away for some milliseconds, and polling uses up the time slice in which the
// message would be received. A process that sleeps is scheduled soon after it wakes, so in that case the rank sleeps
// after the first yield, and polls less in its next waits, until a yield is quick again.
bool Wait::back_off() {
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
    // During a longer gap this process did not run.
    if (looked_at_ >= 0) waited_ += std::min(t - looked_at_, 1.0);
    looked_at_ = t;
    return true;
}

void Wait::check_peers() {
    const Heartbeat& heartbeat = *world_.heartbeat;
    world_.heartbeat->wait_for(world_.awaited.empty() ? -1 : world_.awaited[0]);
    // The awaited ranks may themselves wait for a rank that makes progress.
    if (const int64_t advances = heartbeat.advances(); advances != advances_) {
        advances_ = advances;
        waited_ = 0;
    }
    std::vector<int> lost, stalled;
    for (int r : world_.awaited) {
        if (heartbeat.silence_of(r) >= world_.limits.silence) lost.push_back(r);
        else if (waited_ >= world_.limits.patience) stalled.push_back(r);
    }
    if (!lost.empty()) return report(lost, "lost");  // the cause of the others' waiting
    if (!stalled.empty()) report(stalled, "stalled");
}

void Wait::report(const std::vector<int>& ranks, const std::string& state) {
    const bool lost = state == "lost";
    std::vector<std::string> names;
    std::string states;
    for (int r : ranks) {
        names.push_back(world_.name_of_rank(r));
        if (names.size() > most_named) continue;
        const Beat beat = world_.heartbeat->last_of(r);
        states += fmt::format("; rank {} ", r);
        states += lost ? fmt::format("has sent no heartbeat for {:.3g} s, last seen ", world_.heartbeat->silence_of(r))
                       : fmt::format("has been alive for all {:.3g} s, ", waited_);
        states += world_.last_call_of(r);
        if (!lost && beat.inside && beat.waits_for >= 0) states += fmt::format(", waiting for rank {}", beat.waits_for);
    }
    const std::string host = world_.hosts[size_t(ranks[0])];
    const std::string fix =
        lost ? "check whether that machine is up, stopped or swapping (ssh " + host + " uptime), then "
             : "check what that rank is doing (ssh " + host + " top), then ";
    world_.fail(Error(list_of(names) + (ranks.size() > 1 ? " are " : " is ") + state,
                      fmt::format("rank {} waits in {}{}", world_.rank, world_.text_of(call_), states),
                      fix + world_.text_of_resume()),
                status_of_lost_rank);
}

}  // namespace gradus::mpi
