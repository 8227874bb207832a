#include "tools/bench/timed_comm.h"

#include <chrono>

namespace gradus {

struct TimedMesh::Group {
    Comm inner;
    std::string axis;
    std::map<std::string, TimedCalls> calls;

    template <class Call>
    void time(const char* name, size_t bytes, Call&& call) {
        const auto start = std::chrono::steady_clock::now();
        call();
        TimedCalls& c = calls[axis + " " + name];
        ++c.calls;
        c.bytes += double(bytes);
        c.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
};

namespace {

TimedMesh::Group& of(void* group) { return *static_cast<TimedMesh::Group*>(group); }

const CommTable timed = {
    .all_reduce_sum = [](void* g, Tensor t,
                         Stream s) { of(g).time("all-reduce", t.bytes(), [&] { of(g).inner.sum(t, s); }); },
    .all_reduce_max = [](void* g, Tensor t,
                         Stream s) { of(g).time("all-reduce", t.bytes(), [&] { of(g).inner.max(t, s); }); },
    .reduce_scatter_sum =
        [](void* g, Tensor part, Tensor full, Stream s) {
            of(g).time("reduce-scatter", full.bytes(), [&] { of(g).inner.reduce_scatter(part, full, s); });
        },
    .all_gather =
        [](void* g, Tensor full, Tensor part, Stream s) {
            of(g).time("all-gather", full.bytes(), [&] { of(g).inner.all_gather(full, part, s); });
        },
    .broadcast = [](void* g, Tensor t, int root,
                    Stream s) { of(g).time("broadcast", t.bytes(), [&] { of(g).inner.broadcast(t, root, s); }); },
    .send_receive =
        [](void* g, Tensor sent, int to, Tensor received, int from, Stream s) {
            of(g).time("send-receive", sent.bytes() * bool(sent) + received.bytes() * bool(received),
                       [&] { of(g).inner.send_receive(sent, to, received, from, s); });
        },
    .barrier = [](void* g) { of(g).time("barrier", 0, [&] { of(g).inner.barrier(); }); },
    .gather =
        [](void* g, const std::string& mine, std::vector<std::string>& all) {
            of(g).time("gather", mine.size(), [&] { all = of(g).inner.gather(mine); });
        },
    .set_step = [](void* g, int64_t step) { of(g).inner.set_step(step); },
};

}  // namespace

TimedMesh::TimedMesh(const Mesh& mesh) : mesh_(mesh) {
    auto wrap = [&](const char* axis, Comm& comm) {
        if (comm.size == 1) return;
        groups_.push_back(std::make_shared<Group>(Group{comm, axis, {}}));
        comm.table = &timed;
        comm.group = groups_.back().get();
    };
    wrap("all", mesh_.world);
    for (const MeshAxis& axis : mesh_axes) wrap(axis.name, mesh_.*axis.comm);
}

std::map<std::string, TimedCalls> TimedMesh::calls() const {
    std::map<std::string, TimedCalls> all;
    for (const auto& g : groups_) all.insert(g->calls.begin(), g->calls.end());
    return all;
}

void TimedMesh::reset() {
    for (const auto& g : groups_) g->calls.clear();
}

}  // namespace gradus
