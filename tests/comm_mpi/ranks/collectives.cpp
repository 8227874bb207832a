// Scenarios without faults: each collective compared with the result of one rank.
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "tests/comm_mpi/ranks/scenarios.h"

namespace gradus {

namespace {

constexpr DType real_dtypes[] = {DType::f32, DType::bf16, DType::f64, DType::i32};
constexpr DType dtypes[] = {DType::f32, DType::bf16, DType::f64, DType::i32, DType::c128};
// Nothing; one; fewer than ranks; around the limit of inlined data (768 of f32); parts of unequal length; several
// pieces.
constexpr int64_t counts[] = {0, 1, 2, 3, 5, 191, 768, 769, 1537, 20011, 300007};
constexpr int64_t many = 100000;  // several pieces; only two dtypes, to save time

bool is_skipped(DType t, int64_t count) { return count > many && t != DType::f32 && t != DType::bf16; }

std::vector<int> all_ranks(const Comm& comm) {
    std::vector<int> ranks;
    for (int r = 0; r < comm.size; ++r) ranks.push_back(r);
    return ranks;
}

std::string name_of(const char* what, DType t, int64_t count) {
    return std::string(what) + " of " + std::to_string(count) + " " + gradus::name_of(t);
}

void compare(Memory& got, Memory& expected, const Comm& comm, const std::string& what) {
    require(got.bits() == expected.bits(), what + " has other bits than the sum in rank order");
    require(!got.is_overrun(), what + " wrote behind its tensor");
    const std::string hash = std::to_string(std::hash<std::string>()(got.bits()));
    for (const std::string& theirs : comm.gather(hash)) require(theirs == hash, what + " differs between the ranks");
}

void sums(MpiWorld& world) {
    const Comm comm = world.all();
    uint64_t key = 1;
    bool order_shows = comm.size < 3;
    for (DType t : dtypes)
        for (int64_t count : counts) {
            if (is_skipped(t, count)) continue;
            Memory got(t, count), expected(t, count), reversed(t, count);
            fill(got.tensor(), ++key, comm.rank);
            comm.sum(got.tensor(), {});
            const std::vector<int> ranks = all_ranks(comm), backwards(ranks.rbegin(), ranks.rend());
            for (int64_t i = 0; i < count; ++i) {
                store_sum(expected.tensor(), i, key, ranks, i);
                store_sum(reversed.tensor(), i, key, backwards, i);
            }
            compare(got, expected, comm, name_of("the sum", t, count));
            order_shows = order_shows || expected.bits() != reversed.bits();
        }
    require(order_shows, "the values are such that their order does not show");
}

void maxima(MpiWorld& world) {
    const Comm comm = world.all();
    uint64_t key = 1000;
    for (DType t : real_dtypes)
        for (int64_t count : counts) {
            if (is_skipped(t, count)) continue;
            Memory got(t, count), expected(t, count);
            fill(got.tensor(), ++key, comm.rank);
            comm.max(got.tensor(), {});
            for (int64_t i = 0; i < count; ++i) store_max(expected.tensor(), i, key, all_ranks(comm), i);
            compare(got, expected, comm, name_of("the maximum", t, count));
        }
    for (int holder = 0; holder < comm.size; ++holder) {
        float x[2] = {comm.rank == holder ? std::numeric_limits<float>::quiet_NaN() : 1.0f, float(comm.rank)};
        comm.max({x, DType::f32, {2}}, {});
        require(std::isnan(x[0]) && x[1] == float(comm.size - 1), "a NaN is lost in a maximum");
    }
}

void scattered_sums(MpiWorld& world) {
    const Comm comm = world.all();
    uint64_t key = 2000;
    for (DType t : dtypes)
        for (int64_t count : counts)
            for (bool in_place : {false, true}) {
                if (is_skipped(t, count)) continue;
                Memory whole(t, count * comm.size), part(t, count), expected(t, count);
                fill(whole.tensor(), ++key, comm.rank);
                const std::string before = whole.bits();
                const Tensor out = in_place ? whole.tensor().part(comm.rank * count, count) : part.tensor();
                comm.reduce_scatter(out, whole.tensor(), {});
                for (int64_t i = 0; i < count; ++i)
                    store_sum(expected.tensor(), i, key, all_ranks(comm), comm.rank * count + i);
                const std::string what = name_of("the part of a scattered sum", t, count);
                require(std::string(out.as<char>(), out.bytes()) == expected.bits(), what);
                require(in_place || whole.bits() == before, what + " changed what was added");
                require(!part.is_overrun() && !whole.is_overrun(), what + " wrote behind its tensor");
            }
}

void gathered_parts(MpiWorld& world) {
    const Comm comm = world.all();
    uint64_t key = 3000;
    for (DType t : dtypes)
        for (int64_t count : counts)
            for (bool in_place : {false, true}) {
                if (is_skipped(t, count)) continue;
                Memory whole(t, count * comm.size), part(t, count), expected(t, count * comm.size);
                const Tensor mine = in_place ? whole.tensor().part(comm.rank * count, count) : part.tensor();
                fill(mine, ++key, comm.rank);
                comm.all_gather(whole.tensor(), mine, {});
                for (int r = 0; r < comm.size; ++r) fill(expected.tensor().part(r * count, count), key, r);
                compare(whole, expected, comm, name_of("the gathered whole", t, count));
            }
}

void broadcasts(MpiWorld& world) {
    const Comm comm = world.all();
    uint64_t key = 4000;
    for (DType t : dtypes)
        for (int64_t count : counts) {
            if (is_skipped(t, count)) continue;
            const int root = int(++key) % comm.size;
            Memory got(t, count), expected(t, count);
            if (comm.rank == root) fill(got.tensor(), key, root);
            comm.broadcast(got.tensor(), root, {});
            fill(expected.tensor(), key, root);
            compare(got, expected, comm, name_of("the broadcast", t, count));
        }
}

void messages(MpiWorld& world) {
    const Comm comm = world.all();
    const int next = (comm.rank + 1) % comm.size, before = (comm.rank + comm.size - 1) % comm.size;
    uint64_t key = 5000;
    for (DType t : dtypes)
        for (int64_t count : counts) {
            if (is_skipped(t, count)) continue;
            Memory sent(t, count), received(t, 2 * count + 1), expected(t, 2 * count + 1);
            fill(sent.tensor(), ++key, comm.rank);
            fill(expected.tensor(), key, before);
            // A ring, where even ranks send less than odd ones: 2 count + 1 one way, count the other.
            const auto length = [&](int r) { return r % 2 == 0 ? count : 2 * count + 1; };
            Memory longer(t, 2 * count + 1);
            fill(longer.tensor(), key, comm.rank);
            comm.send_receive(longer.tensor().part(0, length(comm.rank)), next,
                              received.tensor().part(0, length(before)), before, {});
            const size_t bytes = size_t(length(before)) * size_of(t);
            require(received.bits().substr(0, bytes) == expected.bits().substr(0, bytes),
                    name_of("the message", t, count));
            require(!received.is_overrun(), name_of("the message", t, count) + " went too far");
            // Down the line, one after the other.
            Memory passed(t, count), first(t, count);
            fill(first.tensor(), key, 0);
            if (comm.rank == 0) fill(passed.tensor(), key, 0);
            if (comm.rank > 0) comm.receive(passed.tensor(), comm.rank - 1, {});
            if (comm.rank + 1 < comm.size) comm.send(passed.tensor(), comm.rank + 1, {});
            compare(passed, first, comm, name_of("the message passed down the line", t, count));
        }
}

void texts(MpiWorld& world) {
    const Comm comm = world.all();
    for (size_t length : {0, 1, 100, 3072, 3073, 5000, 1000000}) {
        const auto text_of = [&](int r) { return std::string(length / size_t(r + 1) + size_t(r), char('a' + r)); };
        std::vector<std::string> expected;
        for (int r = 0; r < comm.size; ++r) expected.push_back(text_of(r));
        require(comm.gather(text_of(comm.rank)) == expected, "the texts of all ranks");
    }
    double numbers[3] = {1e16, double(comm.rank), 0.5}, sum = 1e16;
    for (int r = 1; r < comm.size; ++r) sum += 1e16;
    comm.sum(numbers);
    require(numbers[0] == sum && numbers[1] == comm.size * (comm.size - 1) / 2.0 && numbers[2] == 0.5 * comm.size,
            "the sum of numbers");
    require(world.local_size() == comm.size && world.local_rank() == comm.rank, "all ranks are on this machine");
}

void axes(MpiWorld& world) {
    Mesh mesh = world.mesh({.dp = 2, .tp = 2});
    const int rank = world.rank();
    require(mesh.place.dp == rank / 2 && mesh.place.tp == rank % 2, "tp varies fastest");
    require(mesh.dp.rank == mesh.place.dp && mesh.dp.size == 2 && mesh.tp.rank == mesh.place.tp && mesh.tp.size == 2,
            "sizes");
    require(mesh.pp.size == 1 && mesh.cp.size == 1 && mesh.ep.size == 1 && mesh.world.size == 4, "axes of one rank");
    const std::vector<int> along_dp = {mesh.place.tp, mesh.place.tp + 2},
                           along_tp = {2 * mesh.place.dp, 2 * mesh.place.dp + 1};
    for (int64_t count : {3, 70001}) {
        Memory dp(DType::f32, count), tp(DType::f32, count), expected(DType::f32, count);
        fill(dp.tensor(), 7, rank);
        fill(tp.tensor(), 8, rank);
        mesh.dp.sum(dp.tensor(), {});
        mesh.tp.sum(tp.tensor(), {});
        for (int64_t i = 0; i < count; ++i) store_sum(expected.tensor(), i, 7, along_dp, i);
        require(dp.bits() == expected.bits(), "the sum along dp");
        for (int64_t i = 0; i < count; ++i) store_sum(expected.tensor(), i, 8, along_tp, i);
        require(tp.bits() == expected.bits(), "the sum along tp");
    }
}

// Ranks are late in turn; the bits are always the same.
void timing(MpiWorld& world) {
    const Comm comm = world.all();
    std::string first;
    for (int turn = 0; turn < 12; ++turn) {
        Memory x(DType::f32, 200003);
        fill(x.tensor(), 9, comm.rank);
        std::this_thread::sleep_for(std::chrono::milliseconds(15 * ((comm.rank + turn) % comm.size)));
        comm.sum(x.tensor(), {});
        if (turn == 0) first = x.bits();
        require(x.bits() == first, "the sum depends on who came first");
    }
}

// Many small calls, in which ranks run ahead of each other as far as possible.
void many_calls(MpiWorld& world) {
    const Comm comm = world.all();
    for (int i = 0; i < 2000; ++i) {
        comm.set_step(i);
        int32_t x = i + comm.rank;
        comm.sum({&x, DType::i32, {1}}, {});
        require(x == i * comm.size + comm.size * (comm.size - 1) / 2, "a sum of one number");
        if (i % 10 == 0) comm.barrier();
    }
}

// One rank computes for several times the limit of silence.
void long_work(MpiWorld& world) {
    if (world.rank() == 1) ::usleep(4500 * 1000);
    world.all().barrier();
}

}  // namespace

const std::vector<Scenario> collective_scenarios = {
    {"sums", sums},
    {"maxima", maxima},
    {"scattered_sums", scattered_sums},
    {"gathered_parts", gathered_parts},
    {"broadcasts", broadcasts},
    {"messages", messages},
    {"texts", texts},
    {"axes", axes},
    {"timing", timing},
    {"many", many_calls},
    {"long_work", long_work, {.silence = 1.5, .patience = 60}},
};

}  // namespace gradus
