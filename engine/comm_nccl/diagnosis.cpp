#include "engine/comm_nccl/diagnosis.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/comm_mpi/mpi_world.h"

namespace gradus::nccl {

namespace {

using mpi::Call;
using mpi::DeviceProgress;
using mpi::Header;

constexpr int status_of_mistake = 1;

using Some = std::vector<const Other*>;

template <class Condition>
Some those(const std::vector<Other>& others, Condition&& condition) {
    Some some;
    for (const Other& o : others)
        if (condition(o)) some.push_back(&o);
    return some;
}

std::string names_of(const Some& some) {
    std::vector<std::string> names;
    for (const Other* o : some) names.push_back(o->name);
    return mpi::list_of(names);
}

std::string text_of(const Waiting& w) {
    return fmt::format("{} of rank {} waits in {}", w.call.call == Call::connect ? "the host" : "the device", w.rank,
                       mpi::text_of(w.call, w.group));
}

struct Words {
    const char *has, *is;
};
constexpr Words present = {"has", "is"}, past = {"had", "was"};

// "it has begun 7 calls of dp, and its device has finished 6; its host is after gather #3 of all, …"
std::string state_of(const Waiting& w, const Other& o, const Words& words) {
    const DeviceProgress& p = o.progress;
    std::string text = fmt::format("it {} begun {} {} of {}, and its device {} finished {}", words.has, p.begun,
                                   p.begun == 1 ? "call" : "calls", w.group, words.has, p.finished);
    if (!o.device_call.empty()) text += fmt::format(" and {} {}", words.is, o.device_call);
    return text + fmt::format("; its host {} {}", words.is, o.host_call);
}

bool is_other_call(const Waiting& w, const Other& o) {
    const DeviceProgress& p = o.progress;
    if (is_between_two(w.call) || is_between_two(p.next) || p.stage == DeviceProgress::finished_all) return false;
    return p.next.number == w.call.number && !(p.next.call == w.call.call && p.next.dtype == w.call.dtype &&
                                               p.next.count == w.call.count && p.next.root == w.call.root);
}

}  // namespace

bool is_between_two(const Header& h) { return h.call == Call::send || h.call == Call::receive; }

bool concerns(const Waiting& w, const Other& o) { return !is_between_two(w.call) || o.place == w.call.root; }

bool has_arrived(const Waiting& w, const Other& o) {
    const DeviceProgress& p = o.progress;
    if (w.call.call == Call::connect) return p.begun >= w.call.number;
    if (is_between_two(w.call))
        return is_between_two(p.next) && p.next.root == w.place && p.stage == DeviceProgress::reached_next;
    return p.finished >= w.call.number ||
           (p.next.number == w.call.number && p.stage == DeviceProgress::reached_next && !is_between_two(p.next));
}

std::optional<Diagnosis> diagnose(const Waiting& w, const std::vector<Other>& all, const Timeouts& limits) {
    const std::vector<Other> others = [&] {
        std::vector<Other> some;
        for (const Other& o : all)
            if (concerns(w, o)) some.push_back(o);
        return some;
    }();
    if (const Some lost =
            those(others, [&](const Other& o) { return o.silence >= limits.silence && !has_arrived(w, o); });
        !lost.empty())
        return Diagnosis{Error(names_of(lost) + (lost.size() > 1 ? " are lost" : " is lost"),
                               fmt::format("{}; rank {} has sent no heartbeat for {:.3g} s: when it last did, {}",
                                           text_of(w), lost[0]->rank, lost[0]->silence, state_of(w, *lost[0], past)),
                               "check whether that machine is up, stopped or swapping (ssh " + lost[0]->host +
                                   " uptime), then start the same command again"),
                         status_of_lost_rank};

    if (const Some other = those(others, [&](const Other& o) { return is_other_call(w, o); }); !other.empty())
        return Diagnosis{Error(fmt::format("rank {} and rank {} are not in the same call",
                                           std::min(w.rank, other[0]->rank), std::max(w.rank, other[0]->rank)),
                               fmt::format("{}, while the device of {} waits in {}", text_of(w), other[0]->name,
                                           mpi::text_of(other[0]->progress.next, w.group)),
                               "start every rank with the same program, recipe and --set: mpirun gradus …"),
                         status_of_mistake};

    if (const Some ended = those(others, [&](const Other& o) { return o.has_ended && !has_arrived(w, o); });
        !ended.empty())
        return Diagnosis{
            Error(fmt::format("rank {} has ended while rank {} waits for it", ended[0]->rank, w.rank),
                  fmt::format("{}; of rank {}: {}", text_of(w), ended[0]->rank, state_of(w, *ended[0], present)),
                  "start every rank with the same program, recipe and --set: mpirun gradus …"),
            status_of_mistake};

    if (w.for_seconds >= limits.patience)
        if (const Some late = those(others, [&](const Other& o) { return !has_arrived(w, o); }); !late.empty())
            return Diagnosis{Error(names_of(late) + (late.size() > 1 ? " are stalled" : " is stalled"),
                                   fmt::format("{}, for {:.3g} s; of rank {}: {}", text_of(w), w.for_seconds,
                                               late[0]->rank, state_of(w, *late[0], present)),
                                   "check what that rank is doing (ssh " + late[0]->host +
                                       " top), then start the same command again"),
                             status_of_lost_rank};

    if (w.together_seconds >= limits.stall) {
        const Some with_it = those(others, [](const Other&) { return true; });
        return Diagnosis{
            Error(fmt::format("the devices of rank {} and {} do not reach each other", w.rank, names_of(with_it)),
                  fmt::format("{}, and every rank reached it {:.3g} s ago", text_of(w), w.together_seconds),
                  "NCCL_DEBUG=INFO in the environment says which links it uses; try NCCL_SOCKET_IFNAME=eth0 (the "
                  "network between the machines), NCCL_P2P_DISABLE=1 or NCCL_IB_DISABLE=1"),
            status_of_lost_rank};
    }
    return std::nullopt;
}

}  // namespace gradus::nccl
