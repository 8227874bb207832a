// The collectives, implemented with handshakes and transfers, and their table.
//
// With n ranks and a tensor of b bytes every rank sends and receives 2 b (n-1)/n bytes for an all-reduce, half of that
// for a reduce-scatter or an all-gather. Small tensors are sent with the handshake, to all ranks.
#include <algorithm>
#include <cstring>
#include <functional>

#include "engine/comm_mpi/combine.h"
#include "engine/comm_mpi/transfer.h"

namespace gradus::mpi {

namespace {

constexpr size_t copied_piece = size_t(8) << 20;  // bytes of a message that is received in place
constexpr int64_t longest_text = int64_t(1) << 30;

// The first element of part q of `count` elements. The sizes of parts differ by at most one.
int64_t first_of(int64_t count, int q, int n) { return count / n * q + std::min<int64_t>(q, count % n); }

void combine(bool sum, DType t, void* out, const void* const* sources, int n, int64_t count) {
    sum ? sum_in_order(t, out, sources, n, count) : max_in_order(t, out, sources, n, count);
}

// Reduce-scatter: rank r writes elements [first_of(r), first_of(r + 1)) of the sum of all ranks' `whole` to `out`.
void reduce_parts(const ActiveCall& call, Group& g, bool sum, char* whole, DType dtype, int64_t count, char* out) {
    const int n = g.size();
    const size_t element = size_of(dtype);
    const int64_t mine = first_of(count, g.mine, n), length = first_of(count, g.mine + 1, n) - mine;
    g.flows.clear();
    for (int step = 1; step < n; ++step) {
        const int to = (g.mine + step) % n, from = (g.mine + n - step) % n;
        const int64_t first = first_of(count, to, n);
        g.flows.push_back({.index = to,
                           .incoming = false,
                           .data = whole + size_t(first) * element,
                           .bytes = size_t(first_of(count, to + 1, n) - first) * element});
        g.flows.push_back(
            {.index = from,
             .incoming = true,
             .data = g.scratch.data() + size_t(from < g.mine ? from : from - 1) * pieces_in_flight * g.piece,
             .bytes = size_t(length) * element,
             .ring = true});
    }
    const auto consume = [&](int64_t piece) {
        const size_t first = size_t(piece) * g.piece, bytes = std::min(g.piece, size_t(length) * element - first);
        for (int q = 0; q < n; ++q) g.sources[size_t(q)] = whole + size_t(mine) * element + first;
        for (const Flow& f : g.flows)
            if (f.ring) g.sources[size_t(f.index)] = f.data + size_t(piece % pieces_in_flight) * g.piece;
        combine(sum, dtype, out + first, g.sources.data(), n, int64_t(bytes / element));
    };
    transfer(call, g, g.flows, g.piece, std::ref(consume));
}

// All-gather in place: sends part r of `whole` from rank r to all ranks but `except`.
void gather_parts(const ActiveCall& call, Group& g, char* whole, DType dtype, int64_t count, int except = -1) {
    const int n = g.size();
    const size_t element = size_of(dtype);
    const auto flow = [&](int other, bool incoming, int part) {
        const int64_t first = first_of(count, part, n);
        g.flows.push_back({.index = other,
                           .incoming = incoming,
                           .data = whole + size_t(first) * element,
                           .bytes = size_t(first_of(count, part + 1, n) - first) * element});
    };
    g.flows.clear();
    for (int step = 1; step < n; ++step) {
        const int to = (g.mine + step) % n, from = (g.mine + n - step) % n;
        if (to != except) flow(to, false, g.mine);
        if (g.mine != except) flow(from, true, from);
    }
    transfer(call, g, g.flows, copied_piece);
}

void all_reduce(Group& g, bool sum, Tensor t) {
    CHECK(sum || t.dtype != DType::c128, "complex numbers have no maximum");
    ActiveCall call(g, sum ? Call::sum : Call::max, t.dtype, t.size());
    if (t.bytes() <= max_inline_bytes) {
        call.handshake(t.data, t.bytes());
        for (int q = 0; q < g.size(); ++q) g.sources[size_t(q)] = q == g.mine ? t.data : call.inlined_of(q);
        return combine(sum, t.dtype, t.data, g.sources.data(), g.size(), t.size());
    }
    call.handshake();
    char* data = t.as<char>();
    reduce_parts(call, g, sum, data, t.dtype, t.size(),
                 data + size_t(first_of(t.size(), g.mine, g.size())) * size_of(t.dtype));
    gather_parts(call, g, data, t.dtype, t.size());
}

Group& group_of(void* group) { return *static_cast<Group*>(group); }

void all_reduce_sum(void* group, Tensor t, Stream) { all_reduce(group_of(group), true, t); }
void all_reduce_max(void* group, Tensor t, Stream) { all_reduce(group_of(group), false, t); }

void reduce_scatter_sum(void* group, Tensor part, Tensor whole, Stream) {
    Group& g = group_of(group);
    ActiveCall call(g, Call::reduce_scatter, whole.dtype, whole.size());
    if (whole.bytes() > max_inline_bytes) {
        call.handshake();
        return reduce_parts(call, g, true, whole.as<char>(), whole.dtype, whole.size(), part.as<char>());
    }
    call.handshake(whole.data, whole.bytes());
    const size_t mine = size_t(g.mine) * part.bytes();
    for (int q = 0; q < g.size(); ++q)
        g.sources[size_t(q)] = (q == g.mine ? whole.as<char>() : call.inlined_of(q)) + mine;
    sum_in_order(part.dtype, part.data, g.sources.data(), g.size(), part.size());
}

void all_gather(void* group, Tensor whole, Tensor part, Stream) {
    Group& g = group_of(group);
    ActiveCall call(g, Call::all_gather, whole.dtype, whole.size());
    char* data = whole.as<char>();
    const size_t bytes = part.bytes();
    const bool inlined = bytes <= max_inline_bytes;
    call.handshake(part.data, inlined ? bytes : 0);
    if (bytes > 0 && part.data != data + size_t(g.mine) * bytes)
        std::memcpy(data + size_t(g.mine) * bytes, part.data, bytes);
    if (!inlined) return gather_parts(call, g, data, whole.dtype, whole.size());
    for (int q = 0; q < g.size(); ++q)
        if (q != g.mine && bytes > 0) std::memcpy(data + size_t(q) * bytes, call.inlined_of(q), bytes);
}

// The root sends a large tensor once: a part to each rank; then the parts are all-gathered.
void broadcast(void* group, Tensor t, int root, Stream) {
    Group& g = group_of(group);
    ActiveCall call(g, Call::broadcast, t.dtype, t.size(), root);
    const bool inlined = t.bytes() <= max_inline_bytes, is_root = g.mine == root;
    call.handshake(t.data, is_root && inlined ? t.bytes() : 0);
    if (inlined) {
        if (!is_root && t.bytes() > 0) std::memcpy(t.data, call.inlined_of(root), t.bytes());
        return;
    }
    char* data = t.as<char>();
    g.flows.clear();
    for (int q = 0; q < g.size(); ++q) {
        if (q == root || (!is_root && q != g.mine)) continue;
        const int64_t first = first_of(t.size(), q, g.size()), last = first_of(t.size(), q + 1, g.size());
        g.flows.push_back({.index = is_root ? q : root,
                           .incoming = !is_root,
                           .data = data + size_t(first) * size_of(t.dtype),
                           .bytes = size_t(last - first) * size_of(t.dtype)});
    }
    transfer(call, g, g.flows, copied_piece);
    gather_parts(call, g, data, t.dtype, t.size(), root);
}

void send_receive(void* group, Tensor sent, int to, Tensor received, int from, Stream) {
    Group& g = group_of(group);
    ActiveCall call(g, to >= 0 ? Call::send : Call::receive, to >= 0 ? sent.dtype : received.dtype,
                    to >= 0 ? sent.size() : received.size());
    Header out = call.header(), in = call.header();
    out.call = in.call = Call::send;  // as the other rank sees it
    if (to >= 0) out.number = ++g.sent[size_t(to)];
    if (from >= 0) {
        in.number = ++g.received[size_t(from)];
        in.dtype = received.dtype;
        in.count = received.size();
    }
    const bool inlined = to >= 0 && sent.bytes() <= max_inline_bytes;
    if (inlined) out.inlined = int64_t(sent.bytes());
    call.handshake(to, out, sent.data, inlined ? sent.bytes() : 0, from, in);

    g.flows.clear();
    if (to >= 0 && !inlined)
        g.flows.push_back({.index = to, .incoming = false, .data = sent.as<char>(), .bytes = sent.bytes()});
    if (from >= 0 && received.bytes() <= max_inline_bytes) {
        if (received.bytes() > 0) std::memcpy(received.data, call.inlined_of(from), received.bytes());
    } else if (from >= 0) {
        g.flows.push_back({.index = from, .incoming = true, .data = received.as<char>(), .bytes = received.bytes()});
    }
    if (!g.flows.empty()) transfer(call, g, g.flows, copied_piece);
}

void barrier(void* group) {
    ActiveCall call(group_of(group), Call::barrier, DType::f32, 0);
    call.handshake();
}

void gather(void* group, const std::string& mine, std::vector<std::string>& all) {
    Group& g = group_of(group);
    CHECK(int64_t(mine.size()) <= longest_text, "too long for a gather of texts");
    ActiveCall call(g, Call::gather, DType::f32, int64_t(mine.size()));
    const bool inlined = mine.size() <= max_inline_bytes;
    call.handshake(mine.data(), inlined ? mine.size() : 0);
    std::string text = mine;
    all.assign(size_t(g.size()), {});
    g.flows.clear();
    for (int q = 0; q < g.size(); ++q) {
        if (q == g.mine) continue;
        const Header& h = call.header_of(q);
        CHECK(h.count >= 0 && h.count <= longest_text && h.inlined >= 0 && h.inlined <= int64_t(max_inline_bytes));
        all[size_t(q)].resize(size_t(h.count));
        if (h.count <= int64_t(max_inline_bytes)) {
            std::memcpy(all[size_t(q)].data(), call.inlined_of(q), size_t(h.inlined));
        } else {
            g.flows.push_back({.index = q, .incoming = true, .data = all[size_t(q)].data(), .bytes = size_t(h.count)});
        }
        if (!inlined) g.flows.push_back({.index = q, .incoming = false, .data = text.data(), .bytes = text.size()});
    }
    transfer(call, g, g.flows, copied_piece);
    all[size_t(g.mine)] = std::move(text);
}

void set_step(void* group, int64_t step) { group_of(group).world.step = step; }

constexpr CommTable table = {
    .all_reduce_sum = all_reduce_sum,
    .all_reduce_max = all_reduce_max,
    .reduce_scatter_sum = reduce_scatter_sum,
    .all_gather = all_gather,
    .broadcast = broadcast,
    .send_receive = send_receive,
    .barrier = barrier,
    .gather = gather,
    .set_step = set_step,
};

}  // namespace

Comm comm_of(Group& g) { return {.rank = g.mine, .size = g.size(), .table = &table, .group = &g}; }

void wait_for_everyone(Group& g) {
    ActiveCall call(g, Call::end, DType::f32, 0);
    call.handshake();
}

}  // namespace gradus::mpi
