// The table of collectives: every call is queued on its stream and monitored by the watchdog.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "engine/comm_nccl/world.h"

namespace gradus::nccl {

namespace {

Group& group_of(void* group) { return *static_cast<Group*>(group); }
cudaStream_t of(Stream s) { return static_cast<cudaStream_t>(s.handle); }

struct Elements {
    ncclDataType_t type;
    size_t each = 1;  // of them in an element of ours
};
Elements elements_of(DType t) {
    switch (t) {
        case DType::f32: return {ncclFloat32};
        case DType::bf16: return {ncclBfloat16};
        case DType::i32: return {ncclInt32};
        case DType::f64: return {ncclFloat64};
        case DType::c128: return {ncclFloat64, 2};
    }
    CHECK(false, "NCCL does not have this dtype");
}

// issue(communicator, elements, stream) → ncclResult_t
template <class Issue>
void call(Group& g, Call kind, const Tensor& t, int root, Stream s, const char* function, Issue&& issue) {
    const Header header = g.world.begin(g, kind, t.dtype, t.size(), root, &s);
    ncclResult_t result;
    {
        std::lock_guard lock(g.devices->busy);
        result = issue(g.devices->handle, elements_of(t.dtype), of(s));
    }
    g.world.wait_until_enqueued(g, *g.devices, header, result, function);
    g.world.end_enqueue(g, &s);
}

size_t count_of(const Tensor& t) { return size_t(t.size()) * elements_of(t.dtype).each; }

void all_reduce_sum(void* group, Tensor t, Stream s) {
    Group& g = group_of(group);
    if (t.size() == 0) return;
    call(g, Call::sum, t, -1, s, "ncclAllReduce", [&](ncclComm_t comm, Elements e, cudaStream_t stream) {
        return ncclAllReduce(t.data, t.data, count_of(t), e.type, ncclSum, comm, stream);
    });
}

void all_reduce_max(void* group, Tensor t, Stream s) { group_of(group).staged.max(t, s); }

void reduce_scatter_sum(void* group, Tensor part, Tensor whole, Stream s) {
    Group& g = group_of(group);
    if (whole.size() == 0) return;
    call(g, Call::reduce_scatter, whole, -1, s, "ncclReduceScatter",
         [&](ncclComm_t comm, Elements e, cudaStream_t stream) {
             return ncclReduceScatter(whole.data, part.data, count_of(part), e.type, ncclSum, comm, stream);
         });
}

void all_gather(void* group, Tensor whole, Tensor part, Stream s) {
    Group& g = group_of(group);
    if (whole.size() == 0) return;
    call(g, Call::all_gather, whole, -1, s, "ncclAllGather", [&](ncclComm_t comm, Elements e, cudaStream_t stream) {
        return ncclAllGather(part.data, whole.data, count_of(part), e.type, comm, stream);
    });
}

void broadcast(void* group, Tensor t, int root, Stream s) {
    Group& g = group_of(group);
    if (t.size() == 0) return;
    call(g, Call::broadcast, t, root, s, "ncclBroadcast", [&](ncclComm_t comm, Elements e, cudaStream_t stream) {
        return ncclBroadcast(t.data, t.data, count_of(t), e.type, root, comm, stream);
    });
}

// A send blocks until the other side receives, so the two of a pair are enqueued as one NCCL group.
void send_receive(void* group, Tensor sent, int to, Tensor received, int from, Stream s) {
    Group& g = group_of(group);
    const bool sends = to >= 0 && sent.size() > 0, receives = from >= 0 && received.size() > 0;
    if (!sends && !receives) return;
    call(
        g, sends ? Call::send : Call::receive, sends ? sent : received, sends ? to : from, s, "ncclGroupEnd",
        [&](ncclComm_t comm, Elements, cudaStream_t stream) {
            ncclResult_t result = ncclGroupStart();
            const auto next = [&](ncclResult_t r) {
                if (r != ncclSuccess && r != ncclInProgress) result = r;
            };
            if (sends) next(ncclSend(sent.data, count_of(sent), elements_of(sent.dtype).type, to, comm, stream));
            if (receives)
                next(ncclRecv(received.data, count_of(received), elements_of(received.dtype).type, from, comm, stream));
            const ncclResult_t end = ncclGroupEnd();
            return result != ncclSuccess ? result : end;
        });
}

// A rank reports this for each of its groups with every gather.
struct Digest {
    uint64_t digest = 0;
    Header last;
};

void gather(void* group, const std::string& mine, std::vector<std::string>& all) {
    Group& g = group_of(group);
    const auto& groups = g.world.groups;
    std::vector<Digest> digests;
    for (const auto& one : groups) digests.push_back({one->digest, one->last});
    const size_t bytes = digests.size() * sizeof(Digest);
    all = g.host.gather(std::string(reinterpret_cast<const char*>(digests.data()), bytes) + mine);
    for (int q = 0; q < g.size(); ++q) {
        CHECK(all[size_t(q)].size() >= bytes, "rank " + std::to_string(q) + " has other groups");
        std::vector<Digest> theirs(digests.size());
        std::memcpy(theirs.data(), all[size_t(q)].data(), bytes);
        all[size_t(q)].erase(0, bytes);
        const int rank = g.ranks[size_t(q)];
        for (size_t i = 0; i < groups.size(); ++i) {
            const auto& members = groups[i]->ranks;
            const bool shared = std::find(members.begin(), members.end(), rank) != members.end();
            if (!shared || theirs[i].digest == digests[i].digest) continue;
            const auto last = [&](const Digest& d) {
                return fmt::format("{} calls of {}, the last one {}", d.last.number, groups[i]->name,
                                   mpi::text_of(d.last, groups[i]->name));
            };
            g.world.fail(
                Error(fmt::format("rank {} and rank {} have not made the same calls",
                                  std::min(g.world.monitor.rank(), rank), std::max(g.world.monitor.rank(), rank)),
                      fmt::format("rank {} has made {}; rank {} has made {}", g.world.monitor.rank(), last(digests[i]),
                                  rank, last(theirs[i])),
                      "start every rank with the same program, recipe and --set: mpirun gradus …"),
                1);
        }
    }
}

void set_step(void* group, int64_t step) {
    Group& g = group_of(group);
    g.world.step = step;
    g.host.set_step(step);
}

}  // namespace

Comm comm_of(Group& g) {
    static const CommTable table = {
        .all_reduce_sum = all_reduce_sum,
        .all_reduce_max = all_reduce_max,
        .reduce_scatter_sum = reduce_scatter_sum,
        .all_gather = all_gather,
        .broadcast = broadcast,
        .send_receive = send_receive,
        .barrier = [](void* group) { group_of(group).host.barrier(); },
        .gather = gather,
        .set_step = set_step,
    };
    return {.rank = g.mine, .size = g.size(), .table = &table, .group = &g};
}

}  // namespace gradus::nccl
