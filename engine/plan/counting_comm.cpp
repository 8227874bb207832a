#include "engine/plan/counting_comm.h"

#include "engine/plan/counting_ops.h"

namespace gradus {

namespace {

struct Group {
    const char* axis;
    int size;
};

void count(void* group, const char* kind, size_t bytes) {
    if (Counted* counted = Counting::current())
        counted->add({static_cast<const Group*>(group)->axis, kind, 1, double(bytes)});
}

const CommTable& counting_table() {
    static const CommTable table = {
        .all_reduce_sum = [](void* g, Tensor t, Stream) { count(g, "all-reduce", t.bytes()); },
        .all_reduce_max = [](void* g, Tensor t, Stream) { count(g, "all-reduce", t.bytes()); },
        .reduce_scatter_sum = [](void* g, Tensor, Tensor whole, Stream) { count(g, "reduce-scatter", whole.bytes()); },
        .all_gather = [](void* g, Tensor whole, Tensor, Stream) { count(g, "all-gather", whole.bytes()); },
        .broadcast = [](void* g, Tensor t, int, Stream) { count(g, "broadcast", t.bytes()); },
        .send_receive = [](void* g, Tensor sent, int, Tensor received, int,
                           Stream) { count(g, "send-receive", std::max(sent.bytes(), received.bytes())); },
        .barrier = [](void*) {},
        .gather =
            [](void* g, const std::string& mine, std::vector<std::string>& all) {
                const int size = static_cast<const Group*>(g)->size;
                all.assign(size_t(size), mine);
            },
        .set_step = [](void*, int64_t) {},
    };
    return table;
}

}  // namespace

Comm counting_comm(const char* axis, int size) {
    if (size == 1) return {};
    // Groups are few and small, and a Comm has no owner: they live as long as the thread.
    thread_local std::map<std::pair<std::string, int>, Group> groups;
    Group& group = groups.try_emplace({axis, size}, Group{axis, size}).first->second;
    return {.rank = 0, .size = size, .table = &counting_table(), .group = &group};
}

Mesh counting_mesh(const MeshSizes& asked, int ranks) {
    return make_mesh(asked, counting_comm("world", ranks), [](const char* axis, const std::vector<int>& members) {
        return counting_comm(axis, int(members.size()));
    });
}

}  // namespace gradus
