// The thread that monitors every device call.
#include <algorithm>
#include <chrono>
#include <exception>

#include <fmt/format.h>

#include "engine/comm_nccl/world.h"

namespace gradus::nccl {

namespace {

constexpr double shortest_tick = 0.01, longest_tick = 0.5;  // seconds

using Clock = std::chrono::steady_clock;

}  // namespace

void World::update_progress(Group& g) {
    const auto is_reached = [&](Event e) { return !e.handle || ops.reached(e); };
    while (!g.pending.empty()) {
        Pending& p = g.pending.front();
        g.reached = g.reached || is_reached(p.start);
        if (!g.reached || !p.enqueued || !is_reached(p.end)) break;
        if (!is_between_two(p.call)) ++g.finished;
        for (Event e : {p.start, p.end})
            if (e.handle) spare.push_back(e);
        g.pending.pop_front();
        g.reached = false;
        g.reached_since = g.together_since = -1;
    }
    DeviceProgress progress{.next = g.pending.empty() ? g.newest : g.pending.front().call};
    progress.stage = g.pending.empty() ? DeviceProgress::finished_all
                     : g.reached       ? DeviceProgress::reached_next
                                       : DeviceProgress::begun_next;
    progress.begun = g.begun;
    progress.finished = g.finished;
    monitor.set_device_progress(g.slot, progress);
}

void World::start_watchdog() {
    watchdog_ = std::thread([this] {
        try {
            watch_over();
        } catch (const std::exception& e) {  // the device's progress cannot be queried
            fail(Error("the device of " + monitor.name_of_rank(monitor.rank()) + " failed", e.what(),
                       "see the messages above; then start the same command again"),
                 status_of_lost_rank);
        }
    });
}

void World::stop_watchdog() {
    {
        std::lock_guard lock(state);
        stopping_ = true;
    }
    wake_.notify_one();
    if (watchdog_.joinable()) watchdog_.join();
}

void World::watch_over() {
    const double tick = std::clamp(std::min(limits.stall, monitor.limits().silence) / 60, shortest_tick, longest_tick);
    // The watchdog has its own clock: an iteration counts as two ticks at most, so time in which this process was
    // stopped does not count.
    double now = 0;
    Clock::time_point before = Clock::now();
    for (;;) {
        {
            std::unique_lock lock(state);
            if (wake_.wait_for(lock, std::chrono::duration<double>(tick), [this] { return stopping_; })) return;
            const Clock::time_point t = Clock::now();
            now += std::min(2 * tick, std::chrono::duration<double>(t - before).count());
            before = t;
            for (const auto& g : groups) update_progress(*g);
        }
        diagnose_all(now);
        check_errors();
    }
}

void World::diagnose_all(double now) {
    std::unique_lock lock(state);
    // As in engine/comm_mpi/wait.cpp, waiting starts again when a rank reports progress with files.
    const int64_t advances = monitor.advances();
    const bool moved = advances != advances_;
    advances_ = advances;
    for (const auto& one : groups) {
        Group& g = *one;
        if (moved && g.reached_since >= 0) g.reached_since = now;
        if (g.pending.empty() || !g.reached) continue;
        if (g.reached_since < 0) g.reached_since = now;
        Waiting w{.rank = monitor.rank(), .place = g.mine, .call = g.pending.front().call, .group = g.name};
        w.for_seconds = now - g.reached_since;
        const std::vector<Other> others = others_of(g);
        const bool together = std::all_of(others.begin(), others.end(),
                                          [&](const Other& o) { return !concerns(w, o) || has_arrived(w, o); });
        if (!together) g.together_since = -1;
        else if (g.together_since < 0) g.together_since = now;
        if (together) w.together_seconds = now - g.together_since;
        // The host waits for connect, with its own timeout.
        const double ever = 1e18;
        const bool by_host = w.call.call == Call::connect;
        const Timeouts patience = {monitor.limits().silence, by_host ? ever : monitor.limits().patience,
                                   by_host ? ever : limits.stall};
        const auto diagnosis = diagnose(w, others, patience);
        if (!diagnosis) continue;
        lock.unlock();
        fail(diagnosis->error, diagnosis->status);
    }
}

void World::check_errors() {
    std::vector<Communicator*> all;
    {
        std::lock_guard lock(state);
        for (const auto& c : communicators) all.push_back(c.get());
    }
    for (Communicator* c : all) {
        std::unique_lock lock(c->busy, std::try_to_lock);
        if (!lock) continue;  // the host is in a call, and checks for errors itself
        ncclResult_t result = ncclSuccess;
        const ncclResult_t asked = ncclCommGetAsyncError(c->handle, &result);
        if (asked != ncclSuccess) result = asked;
        lock.unlock();
        if (result == ncclSuccess || result == ncclInProgress) continue;
        std::unique_lock look_up(state);
        Group* broken = nullptr;  // preferably one that waits
        for (const auto& g : groups)
            if (g->devices == c && (!broken || broken->pending.empty())) broken = g.get();
        if (!broken) continue;
        const Header call = broken->pending.empty() ? broken->newest : broken->pending.front().call;
        look_up.unlock();
        fail(*broken, *c, call, result, "the device");
    }
}

}  // namespace gradus::nccl
