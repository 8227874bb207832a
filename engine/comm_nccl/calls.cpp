// The host's side of a call, from its beginning to its end, and the handling of NCCL failures.
#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include <fmt/format.h>

#include "engine/base/fnv.h"
#include "engine/comm_nccl/world.h"

namespace gradus::nccl {

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr size_t most_pending = 64;  // calls of a group whose events the watchdog has not reclaimed
constexpr auto longest_sleep = std::chrono::microseconds(1000);
constexpr auto longest_abort = std::chrono::seconds(5);

uint64_t digest_after(uint64_t digest, const Header& h) {
    for (uint64_t x : {uint64_t(h.call), uint64_t(h.number), uint64_t(h.dtype), uint64_t(h.root), uint64_t(h.count)})
        digest = fnv1a(digest, x);
    return digest;
}

Event take_event(World& w) {
    {
        std::lock_guard lock(w.state);
        if (!w.spare.empty()) {
            const Event e = w.spare.back();
            w.spare.pop_back();
            return e;
        }
    }
    return w.ops.make_event();
}

std::string fix_of(ncclResult_t result) {
    switch (result) {
        case ncclInvalidUsage:
            return "one GPU for each rank: mpirun -n with the number of GPUs, or --set mesh.comm=mpi";
        case ncclRemoteError: return "see the message of the rank that ended first, then start the same command again";
        default: return "NCCL_DEBUG=WARN in the environment shows more; then start the same command again";
    }
}

}  // namespace

std::string text_of_result(ncclResult_t result, const Communicator& c) {
    const char* last = ncclGetLastError(c.handle);
    return std::string(ncclGetErrorString(result)) + (last && *last ? std::string(": ") + last : "");
}

Header World::begin(Group& g, Call kind, DType dtype, int64_t count, int root, const Stream* stream) {
    Header h{.call = kind, .group = g.id, .dtype = dtype, .root = root, .count = count, .step = step};
    const bool counts = !is_between_two(h);
    h.number = counts ? ++g.calls : ++g.messages;
    if (counts) {
        g.digest = digest_after(g.digest, h);
        g.last = h;
    }
    Pending p{.call = h, .start = {}, .end = {}};
    if (stream) {
        p.start = take_event(*this);
        p.end = take_event(*this);
        ops.record(p.start, *stream);
        g.end_event = p.end;
    }
    std::lock_guard lock(state);
    if (g.pending.size() >= most_pending) update_progress(g);
    if (counts) ++g.begun;
    g.newest = h;
    g.pending.push_back(p);
    if (!stream) update_progress(g);
    return h;
}

void World::end_enqueue(Group& g, const Stream* stream) {
    if (stream) ops.record(g.end_event, *stream);
    std::lock_guard lock(state);
    g.pending.back().enqueued = true;
    if (!stream) update_progress(g);
}

void World::wait_until_enqueued(Group& g, Communicator& c, const Header& call, ncclResult_t result,
                                const char* function) {
    double waited = 0;
    auto nap = std::chrono::microseconds(10);
    for (Clock::time_point before = Clock::now(); result == ncclInProgress;) {
        ncclResult_t asked;
        {
            std::lock_guard lock(c.busy);
            asked = ncclCommGetAsyncError(c.handle, &result);
        }
        if (asked != ncclSuccess) result = asked;
        if (result != ncclInProgress) break;
        std::this_thread::sleep_for(nap);
        nap = std::min(2 * nap, longest_sleep);
        const Clock::time_point now = Clock::now();
        waited += std::min(1.0, Seconds(now - before).count());  // during a longer gap this process did not run
        before = now;
        if (waited < limits.connect) continue;
        const std::vector<Other> others = others_of(g);
        Waiting w{.rank = monitor.rank(), .place = g.mine, .call = call, .group = g.name, .for_seconds = waited};
        const bool together =
            std::all_of(others.begin(), others.end(), [&](const Other& o) { return has_arrived(w, o); });
        if (together) w.together_seconds = waited;
        const auto diagnosis = diagnose(w, others, {monitor.limits().silence, limits.connect, limits.connect});
        if (diagnosis) fail(diagnosis->error, diagnosis->status);
        fail(Error(fmt::format("NCCL has not answered for {:.3g} s", waited),
                   fmt::format("{} waits in {} for {}", monitor.name_of_rank(monitor.rank()), function,
                               mpi::text_of(call, g.name)),
                   "NCCL_DEBUG=INFO in the environment shows where it waits; then start the same command again"),
             status_of_lost_rank);
    }
    if (result != ncclSuccess) fail(g, c, call, result, function);
}

std::vector<Other> World::others_of(const Group& g) const {
    std::vector<Other> all;
    for (int place = 0; place < g.size(); ++place) {
        if (place == g.mine) continue;
        const int r = g.ranks[size_t(place)];
        const mpi::Beat beat = monitor.last_of(r);
        Other o{.rank = r, .place = place, .name = monitor.name_of_rank(r), .host = monitor.host_of(r)};
        o.host_call = monitor.last_call_of(r);
        o.silence = monitor.silence_of(r);
        o.has_ended = beat.inside && beat.last.call == Call::end;
        // A report of another group is from an earlier NcclWorld.
        if (beat.device[size_t(g.slot)].next.group == g.id) o.progress = beat.device[size_t(g.slot)];
        for (size_t slot = 0; slot < groups.size(); ++slot)
            if (int(slot) != g.slot && beat.device[slot].stage == DeviceProgress::reached_next &&
                beat.device[slot].next.group == groups[slot]->id)
                o.device_call = "in " + mpi::text_of(beat.device[slot].next, groups[slot]->name);
        all.push_back(std::move(o));
    }
    return all;
}

void World::fail(const Error& e, int status) {
    monitor.fail(e, status, [this] { abort_all(); });
}

void World::fail(Group& g, const Communicator& c, const Header& call, ncclResult_t result, const char* function) {
    fail(Error(fmt::format("NCCL failed on {}", monitor.name_of_rank(monitor.rank())),
               fmt::format("{} in {}: {}", function, mpi::text_of(call, g.name), text_of_result(result, c)),
               fix_of(result)),
         call.call == Call::connect || result == ncclInvalidArgument || result == ncclInvalidUsage
             ? 1
             : status_of_lost_rank);
}

// Stops the kernels that spin on the devices. Gives up if that hangs.
void World::abort_all() {
    std::vector<std::shared_ptr<Communicator>> all;
    {
        std::lock_guard lock(state);
        all = communicators;
    }
    std::promise<void> done;
    std::future<void> finished = done.get_future();
    std::thread([all, done = std::move(done)]() mutable {
        for (auto c = all.rbegin(); c != all.rend(); ++c)
            if ((*c)->busy.try_lock_for(std::chrono::seconds(1))) {
                ncclCommAbort((*c)->handle);
                (*c)->busy.unlock();
            }
        done.set_value();
    }).detach();
    finished.wait_for(longest_abort);
}

}  // namespace gradus::nccl
