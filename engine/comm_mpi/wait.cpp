// How a rank waits, and how it stops waiting.
#include <sched.h>
#include <time.h>

#include <algorithm>

#include <fmt/format.h>

#include "engine/comm_mpi/world.h"

namespace gradus::mpi {

namespace {

// Looks before the rank goes to sleep. Where ranks share cores, who looks keeps the one it waits for from running.
constexpr int spins_alone = 2000, spins_crowded = 20, yields = 200;
constexpr double shortest_sleep = 20e-6, longest_sleep = 500e-6;  // seconds
constexpr double between_judgements = 0.05;
constexpr int most_named = 4;  // ranks in one message

double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

}  // namespace

bool Wait::rest() {
    ++idle_;
    const int spins = world_.crowded ? spins_crowded : spins_alone;
    if (idle_ <= spins) return false;
    if (idle_ <= spins + yields) {
        sched_yield();
        return false;
    }
    const double seconds = std::min(longest_sleep, shortest_sleep * (1 + 0.1 * (idle_ - spins - yields)));
    const timespec nap = {0, long(1e9 * seconds)};
    nanosleep(&nap, nullptr);
    const double t = now();
    if (looked_at_ >= 0 && t - looked_at_ < between_judgements) return false;
    // A long gap is time in which this process did not run.
    if (looked_at_ >= 0) waited_ += std::min(t - looked_at_, 1.0);
    looked_at_ = t;
    return true;
}

void Wait::judge() {
    const Heartbeat& heartbeat = *world_.heartbeat;
    world_.heartbeat->wait_for(world_.missing.empty() ? -1 : world_.missing[0]);
    // Whoever moves on may be what the others wait for, directly or not.
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
        if (silent != lost) {  // of lost and late ranks the lost ones are the cause
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
