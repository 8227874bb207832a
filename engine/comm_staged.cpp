#include "engine/comm_staged.h"

namespace gradus {

struct Staging::Group {
    Staging& staging;
    Comm inner;

    Tensor on_host(const Tensor& t, size_t at = 0) const { return {staging.buffer_ + at, t.dtype, t.shape}; }
    void copy_to_host(const Tensor& host, const Tensor& device, Stream s) const {
        if (device.bytes() > 0) staging.ops_.copy_to_host(host.data, device.data, device.bytes(), s);
    }
    // Synchronous, so the buffer can be reused, also by a call on another stream.
    void copy_to_device(const Tensor& device, const Tensor& host, Stream s) const {
        if (device.bytes() == 0) return;
        staging.ops_.copy_to_device(device.data, host.data, device.bytes(), s);
        staging.ops_.synchronise(s);
    }
};

namespace {

size_t aligned(size_t bytes) { return (bytes + memory_alignment - 1) / memory_alignment * memory_alignment; }

using Group = Staging::Group;
Group& group_of(void* group) { return *static_cast<Group*>(group); }

template <class Call>
void in_place(void* group, Tensor t, Stream s, Call&& call) {
    Group& g = group_of(group);
    g.staging.buffer(t.bytes());
    const Tensor host = g.on_host(t);
    g.copy_to_host(host, t, s);
    g.staging.ops().synchronise(s);
    call(g.inner, host);
    g.copy_to_device(t, host, s);
}

void all_reduce_sum(void* group, Tensor t, Stream s) {
    in_place(group, t, s, [](const Comm& inner, Tensor host) { inner.sum(host, {}); });
}
void all_reduce_max(void* group, Tensor t, Stream s) {
    in_place(group, t, s, [](const Comm& inner, Tensor host) { inner.max(host, {}); });
}
void broadcast(void* group, Tensor t, int root, Stream s) {
    in_place(group, t, s, [&](const Comm& inner, Tensor host) { inner.broadcast(host, root, {}); });
}

void reduce_scatter_sum(void* group, Tensor part, Tensor whole, Stream s) {
    Group& g = group_of(group);
    g.staging.buffer(whole.bytes() + aligned(part.bytes()));
    const Tensor all = g.on_host(whole), mine = g.on_host(part, aligned(whole.bytes()));
    g.copy_to_host(all, whole, s);
    g.staging.ops().synchronise(s);
    g.inner.reduce_scatter(mine, all, {});
    g.copy_to_device(part, mine, s);
}

void all_gather(void* group, Tensor whole, Tensor part, Stream s) {
    Group& g = group_of(group);
    g.staging.buffer(whole.bytes() + aligned(part.bytes()));
    const Tensor all = g.on_host(whole), mine = g.on_host(part, aligned(whole.bytes()));
    g.copy_to_host(mine, part, s);
    g.staging.ops().synchronise(s);
    g.inner.all_gather(all, mine, {});
    g.copy_to_device(whole, all, s);
}

void send_receive(void* group, Tensor sent, int to, Tensor received, int from, Stream s) {
    Group& g = group_of(group);
    const size_t out = to >= 0 ? aligned(sent.bytes()) : 0;
    g.staging.buffer(out + (from >= 0 ? received.bytes() : 0));
    const Tensor outgoing = to >= 0 ? g.on_host(sent) : Tensor{};
    const Tensor incoming = from >= 0 ? g.on_host(received, out) : Tensor{};
    if (to >= 0) g.copy_to_host(outgoing, sent, s);
    g.staging.ops().synchronise(s);
    g.inner.send_receive(outgoing, to, incoming, from, {});
    if (from >= 0) g.copy_to_device(received, incoming, s);
}

const CommTable& staged_table() {
    static const CommTable table = {
        .all_reduce_sum = all_reduce_sum,
        .all_reduce_max = all_reduce_max,
        .reduce_scatter_sum = reduce_scatter_sum,
        .all_gather = all_gather,
        .broadcast = broadcast,
        .send_receive = send_receive,
        .barrier = [](void* g) { group_of(g).inner.barrier(); },
        .gather = [](void* g, const std::string& mine,
                     std::vector<std::string>& all) { all = group_of(g).inner.gather(mine); },
        .set_step = [](void* g, int64_t step) { group_of(g).inner.set_step(step); },
    };
    return table;
}

}  // namespace

Staging::Staging(const Ops& device) : ops_(device) {}

Staging::~Staging() {
    if (buffer_) ops_.release_host(buffer_, bytes_);
}

char* Staging::buffer(size_t bytes) {
    if (bytes > bytes_) {
        if (buffer_) ops_.release_host(buffer_, bytes_);
        buffer_ = nullptr;
        bytes_ = 0;
        buffer_ = static_cast<char*>(ops_.allocate_host(aligned(bytes)));
        bytes_ = aligned(bytes);
    }
    return buffer_;
}

Comm Staging::comm(const Comm& on_host) {
    if (on_host.size == 1) return on_host;
    groups_.push_back(std::make_unique<Group>(Group{*this, on_host}));
    return {.rank = on_host.rank, .size = on_host.size, .table = &staged_table(), .group = groups_.back().get()};
}

Mesh Staging::mesh(const Mesh& on_host) {
    Mesh mesh = on_host;
    mesh.world = comm(on_host.world);
    for (const MeshAxis& axis : mesh_axes) mesh.*axis.comm = comm(on_host.*axis.comm);
    return mesh;
}

}  // namespace gradus
