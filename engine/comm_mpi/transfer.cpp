#include "engine/comm_mpi/transfer.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace gradus::mpi {

ActiveCall::ActiveCall(Group& group, Call call, DType dtype, int64_t count, int root) : group_(group) {
    header_.call = call;
    header_.group = group.id;
    header_.number = call == Call::send || call == Call::receive ? 0 : ++group.calls;
    header_.dtype = dtype;
    header_.root = root;
    header_.count = count;
    header_.step = group.world.step;
    header_.calls = ++group.world.calls;
    group.world.heartbeat->enter(header_);
}

ActiveCall::~ActiveCall() { group_.world.heartbeat->leave(); }

const Header& ActiveCall::header_of(int index) const {
    return *reinterpret_cast<const Header*>(group_.world.incoming.data() +
                                            size_t(group_.ranks[size_t(index)]) * message_bytes);
}

const char* ActiveCall::inlined_of(int index) const {
    return group_.world.incoming.data() + size_t(group_.ranks[size_t(index)]) * message_bytes + sizeof(Header);
}

void ActiveCall::handshake(const void* inlined, size_t bytes) {
    char* message = group_.world.outgoing.data();
    header_.inlined = int64_t(bytes);
    std::memcpy(message, &header_, sizeof header_);
    if (bytes > 0) std::memcpy(message + sizeof header_, inlined, bytes);
    exchange(
        message, sizeof header_ + bytes, [](int) { return true; }, [&](int) { return &header_; });
}

void ActiveCall::handshake(int to, const Header& sent, const void* inlined, size_t bytes, int from,
                           const Header& expected) {
    char* message = group_.world.outgoing.data();
    std::memcpy(message, &sent, sizeof sent);
    if (bytes > 0) std::memcpy(message + sizeof sent, inlined, bytes);
    exchange(
        message, sizeof sent + bytes, [&](int i) { return i == to; },
        [&](int i) { return i == from ? &expected : nullptr; });
}

void ActiveCall::exchange(const void* message, size_t bytes, const std::function<bool(int)>& sends,
                          const std::function<const Header*(int)>& expects) {
    World& world = group_.world;
    const int n = group_.size();
    MPI_Request* receives = world.requests.data();
    MPI_Request* sendings = receives + n;
    std::fill(receives, receives + 2 * n, MPI_REQUEST_NULL);
    {
        std::lock_guard lock(world.library);
        for (int i = 0; i < n; ++i)
            if (i != group_.mine && expects(i)) {
                const int r = group_.ranks[size_t(i)];
                world.check(MPI_Irecv(world.incoming.data() + size_t(r) * message_bytes, int(message_bytes), MPI_BYTE,
                                      r, tag_header, MPI_COMM_WORLD, &receives[i]),
                            "MPI_Irecv");
            }
        for (int step = 1; step < n; ++step) {  // each rank begins with a different one
            const int i = (group_.mine + step) % n;
            if (sends(i))
                world.check(MPI_Isend(message, int(bytes), MPI_BYTE, group_.ranks[size_t(i)], tag_header,
                                      MPI_COMM_WORLD, &sendings[i]),
                            "MPI_Isend");
        }
    }
    Wait wait(world, header_);
    for (;;) {
        int count = 0;
        {
            std::lock_guard lock(world.library);
            world.check(MPI_Testsome(2 * n, receives, &count, world.completed.data(), MPI_STATUSES_IGNORE),
                        "MPI_Testsome");
        }
        if (count == MPI_UNDEFINED) return;
        for (int k = 0; k < count; ++k)
            if (world.completed[size_t(k)] < n)
                compare(world.completed[size_t(k)], *expects(world.completed[size_t(k)]));
        if (count > 0) {
            wait.progressed();
        } else {
            wait.pause([&](auto&& waits_for) {
                for (int i = 0; i < n; ++i)
                    if (receives[i] != MPI_REQUEST_NULL || sendings[i] != MPI_REQUEST_NULL)
                        waits_for(group_.ranks[size_t(i)]);
            });
        }
    }
}

void ActiveCall::compare(int index, const Header& expected) const {
    const Header& got = header_of(index);
    group_.world.heartbeat->received(group_.ranks[size_t(index)], got);
    if (got.call == expected.call && got.group == expected.group && got.number == expected.number &&
        got.dtype == expected.dtype && got.root == expected.root &&
        (got.call == Call::gather || got.count == expected.count))
        return;
    World& world = group_.world;
    const int rank = group_.ranks[size_t(index)];
    const bool over = got.call == Call::end;
    world.fail(Error(over ? fmt::format("rank {} has ended while rank {} waits for it", rank, world.rank)
                          : fmt::format("rank {} and rank {} are not in the same call", std::min(rank, world.rank),
                                        std::max(rank, world.rank)),
                     fmt::format("{} is in {}, while {} is in {}", world.name_of_rank(rank), world.text_of(got),
                                 world.name_of_rank(world.rank), world.text_of(expected)),
                     "start every rank with the same program, recipe and --set: mpirun -n " +
                         std::to_string(world.size) + " gradus …"),
               1);
}

void transfer(const ActiveCall& call, Group& group, std::span<Flow> flows, size_t piece_bytes,
              const std::function<void(int64_t)>& consume) {
    World& world = group.world;
    const auto pieces_of = [&](const Flow& f) { return int64_t((f.bytes + piece_bytes - 1) / piece_bytes); };
    CHECK(world.requests.size() >= flows.size() * pieces_in_flight);
    std::fill_n(world.requests.begin(), flows.size() * pieces_in_flight, MPI_REQUEST_NULL);

    int64_t consumed = 0, rings = 0;
    for (const Flow& f : flows)
        if (f.ring) rings = pieces_of(f);

    Wait wait(world, call.header());
    for (;;) {
        int count = 0;
        {
            std::lock_guard lock(world.library);
            for (size_t k = 0; k < flows.size(); ++k) {
                Flow& f = flows[k];
                while (f.posted < pieces_of(f) && f.posted < (f.ring ? consumed : f.completed) + pieces_in_flight) {
                    const size_t first = size_t(f.posted) * piece_bytes,
                                 place = f.ring ? size_t(f.posted % pieces_in_flight) * piece_bytes : first;
                    const int bytes = int(std::min(piece_bytes, f.bytes - first)), r = group.ranks[size_t(f.index)];
                    MPI_Request& request = world.requests[k * pieces_in_flight + size_t(f.posted % pieces_in_flight)];
                    world.check(f.incoming
                                    ? MPI_Irecv(f.data + place, bytes, MPI_BYTE, r, tag_data, MPI_COMM_WORLD, &request)
                                    : MPI_Isend(f.data + place, bytes, MPI_BYTE, r, tag_data, MPI_COMM_WORLD, &request),
                                f.incoming ? "MPI_Irecv" : "MPI_Isend");
                    ++f.posted;
                }
            }
            world.check(MPI_Testsome(int(flows.size()) * pieces_in_flight, world.requests.data(), &count,
                                     world.completed.data(), MPI_STATUSES_IGNORE),
                        "MPI_Testsome");
        }
        if (count == MPI_UNDEFINED) count = 0;
        for (int k = 0; k < count; ++k) {
            Flow& f = flows[size_t(world.completed[size_t(k)] / pieces_in_flight)];
            f.done[world.completed[size_t(k)] % pieces_in_flight] = true;
            for (; f.completed < f.posted && f.done[f.completed % pieces_in_flight]; ++f.completed)
                f.done[f.completed % pieces_in_flight] = false;
        }
        const auto piece_is_there = [&] {
            return std::all_of(flows.begin(), flows.end(),
                               [&](const Flow& f) { return !f.ring || f.completed > consumed; });
        };
        for (; consumed < rings && piece_is_there(); ++consumed) consume(consumed);
        if (consumed == rings &&
            std::all_of(flows.begin(), flows.end(), [&](const Flow& f) { return f.completed == pieces_of(f); }))
            return;
        if (count > 0) {
            wait.progressed();
        } else {
            wait.pause([&](auto&& waits_for) {
                for (const Flow& f : flows)
                    if (f.completed < pieces_of(f)) waits_for(group.ranks[size_t(f.index)]);
            });
        }
    }
}

}  // namespace gradus::mpi
