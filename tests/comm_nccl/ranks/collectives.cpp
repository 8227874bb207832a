// Scenarios without faults: each collective on devices compared with the result of one rank, with NCCL (the fake) and
// staged through the host.
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <thread>

#include "tests/comm_nccl/ranks/devices.h"

namespace gradus {

namespace {

constexpr DType dtypes[] = {DType::f32, DType::bf16, DType::f64, DType::i32, DType::c128};
constexpr int64_t counts[] = {0, 1, 3, 769, 20011};

std::string name_of(const std::string& how, const char* what, DType t, int64_t count) {
    return how + ": " + what + " of " + std::to_string(count) + " " + gradus::name_of(t);
}

// The values are small positive whole numbers, so that sums are exact in every order.
void fill_exactly(Tensor t, uint64_t key, int rank) {
    for (int64_t i = 0; i < t.size(); ++i)
        store(t, i, double((key * 7 + uint64_t(rank) * 5 + uint64_t(i) * 3) % 13 + 1) * 3);
}
void fill_with_sum(Tensor t, uint64_t key, const std::vector<int>& ranks, int64_t first = 0) {
    for (int64_t i = 0; i < t.size(); ++i) {
        double sum = 0;
        for (int r : ranks) sum += double((key * 7 + uint64_t(r) * 5 + uint64_t(first + i) * 3) % 13 + 1) * 3;
        store(t, i, sum);
    }
}

std::vector<int> all_ranks(const Comm& comm) {
    std::vector<int> ranks;
    for (int r = 0; r < comm.size; ++r) ranks.push_back(r);
    return ranks;
}

void require_equal(OnDevice& got, Memory& expected, Stream s, const std::string& what) {
    got.to_host(s);
    require(got.host.bits() == expected.bits(), what);
    require(!got.host.is_overrun(), what + ": the image is overrun");
}

// Every check with both kinds of Comm.
void both(MpiWorld& world, const std::function<void(const Comm&, const std::string& how)>& check) {
    {
        NcclWorld devices(world, queued_ops());
        check(devices.all(), "nccl");
    }
    Staging staging(queued_ops());
    check(staging.comm(world.all()), "staged");
}

void sums(MpiWorld& world) {
    both(world, [](const Comm& comm, const std::string& how) {
        const Stream s = queued_ops().make_stream();
        uint64_t key = 1;
        for (DType t : dtypes)
            for (int64_t count : counts) {
                OnDevice x(t, count);
                Memory expected(t, count);
                fill_exactly(x.host.tensor(), ++key, comm.rank);
                fill_with_sum(expected.tensor(), key, all_ranks(comm));
                x.to_device(s);
                comm.sum(x.tensor, s);
                require_equal(x, expected, s, name_of(how, "the sum", t, count));
            }
        queued_ops().release_stream(s);
    });
}

void maxima(MpiWorld& world) {
    both(world, [](const Comm& comm, const std::string& how) {
        OnDevice x(DType::f32, 3);
        float* mine = x.host.tensor().as<float>();
        mine[0] = float(comm.rank);
        mine[1] = comm.rank == 1 ? std::numeric_limits<float>::quiet_NaN() : 1.0f;
        mine[2] = -float(comm.rank);
        x.to_device({});
        comm.max(x.tensor, {});
        x.to_host({});
        require(mine[0] == float(comm.size - 1) && (comm.size == 1 || std::isnan(mine[1])) && mine[2] == 0,
                how + ": the maximum");
    });
}

void scattered_and_gathered(MpiWorld& world) {
    both(world, [](const Comm& comm, const std::string& how) {
        uint64_t key = 100;
        for (DType t : dtypes)
            for (int64_t count : counts)
                for (bool in_place : {false, true}) {
                    OnDevice whole(t, count * comm.size), part(t, count);
                    Memory expected(t, count), gathered(t, count * comm.size);
                    fill_exactly(whole.host.tensor(), ++key, comm.rank);
                    fill_with_sum(expected.tensor(), key, all_ranks(comm), comm.rank * count);
                    fill_with_sum(gathered.tensor(), key, all_ranks(comm));
                    whole.to_device({});
                    const Tensor mine = in_place ? whole.tensor.part(comm.rank * count, count) : part.tensor;
                    comm.reduce_scatter(mine, whole.tensor, {});
                    if (!in_place) require_equal(part, expected, {}, name_of(how, "the part of a sum", t, count));
                    comm.all_gather(whole.tensor, mine, {});
                    require_equal(whole, gathered, {}, name_of(how, "the gathered sum", t, count));
                }
    });
}

void broadcasts(MpiWorld& world) {
    both(world, [](const Comm& comm, const std::string& how) {
        uint64_t key = 200;
        for (DType t : dtypes)
            for (int64_t count : counts) {
                const int root = int(++key) % comm.size;
                OnDevice x(t, count);
                Memory expected(t, count);
                fill_exactly(x.host.tensor(), key, comm.rank == root ? root : root + 1);
                fill_exactly(expected.tensor(), key, root);
                x.to_device({});
                comm.broadcast(x.tensor, root, {});
                require_equal(x, expected, {}, name_of(how, "the broadcast", t, count));
            }
    });
}

void messages(MpiWorld& world) {
    both(world, [](const Comm& comm, const std::string& how) {
        const int next = (comm.rank + 1) % comm.size, before = (comm.rank + comm.size - 1) % comm.size;
        uint64_t key = 300;
        for (DType t : dtypes)
            for (int64_t count : {1, 769, 20011}) {
                OnDevice sent(t, count), received(t, count), passed(t, count);
                Memory expected(t, count), first(t, count);
                fill_exactly(sent.host.tensor(), ++key, comm.rank);
                fill_exactly(expected.tensor(), key, before);
                fill_exactly(first.tensor(), key, 0);
                sent.to_device({});
                comm.send_receive(sent.tensor, next, received.tensor, before, {});
                require_equal(received, expected, {}, name_of(how, "the message round the ring", t, count));
                if (comm.rank > 0) comm.receive(passed.tensor, comm.rank - 1, {});
                if (comm.rank + 1 < comm.size)
                    comm.send(comm.rank == 0 ? sent.tensor : passed.tensor, comm.rank + 1, {});
                require_equal(comm.rank == 0 ? sent : passed, first, {},
                              name_of(how, "the message down the line", t, count));
            }
    });
}

void texts(MpiWorld& world) {
    both(world, [](const Comm& comm, const std::string& how) {
        for (size_t length : {0, 1, 3000, 100000}) {
            std::vector<std::string> expected;
            for (int r = 0; r < comm.size; ++r) expected.push_back(std::string(length + size_t(r), char('a' + r)));
            require(comm.gather(expected[size_t(comm.rank)]) == expected, how + ": the texts of all ranks");
        }
        double number = comm.rank;
        comm.sum(std::span(&number, 1));
        require(number == comm.size * (comm.size - 1) / 2.0, how + ": the sum of numbers");
        comm.barrier();
    });
}

void axes(MpiWorld& world) {
    NcclWorld devices(world, queued_ops());
    const Mesh mesh = devices.mesh({.dp = 2, .tp = world.size() / 2});
    const int tp = mesh.size.tp, rank = world.rank();
    require(mesh.place.dp == rank / tp && mesh.place.tp == rank % tp, "tp varies fastest");
    std::vector<int> along_dp = {rank % tp, rank % tp + tp}, along_tp;
    for (int r = 0; r < tp; ++r) along_tp.push_back(rank / tp * tp + r);
    // Two axes at once, on two streams: calls on one axis must not wait for the other axis.
    const Stream one = queued_ops().make_stream(), other = queued_ops().make_stream();
    for (int turn = 0; turn < 20; ++turn) {
        OnDevice a(DType::f32, 1000), b(DType::f32, 70001);
        Memory sum_a(DType::f32, 1000), sum_b(DType::f32, 70001);
        fill_exactly(a.host.tensor(), uint64_t(turn), rank);
        fill_exactly(b.host.tensor(), uint64_t(turn + 50), rank);
        fill_with_sum(sum_a.tensor(), uint64_t(turn), along_dp);
        fill_with_sum(sum_b.tensor(), uint64_t(turn + 50), along_tp);
        a.to_device(one);
        b.to_device(other);
        mesh.dp.sum(a.tensor, one);
        mesh.tp.sum(b.tensor, other);
        require_equal(b, sum_b, other, "the sum along tp");
        require_equal(a, sum_a, one, "the sum along dp");
    }
    queued_ops().release_stream(one);
    queued_ops().release_stream(other);
}

// The host runs ahead of hundreds of calls, with another stream between them.
void many(MpiWorld& world) {
    NcclWorld devices(world, queued_ops());
    const Comm comm = devices.all();
    const Stream s = queued_ops().make_stream();
    const Event mark = queued_ops().make_event();
    OnDevice x(DType::f64, 2);
    x.host.tensor().as<double>()[0] = 1;
    x.host.tensor().as<double>()[1] = comm.rank;
    x.to_device({});
    constexpr int calls = 300;
    for (int i = 0; i < calls; ++i) {  // alternating between two streams
        const Stream here = i % 2 == 0 ? s : Stream{}, there = i % 2 == 0 ? Stream{} : s;
        queued_ops().record(mark, there);
        queued_ops().wait(here, mark);
        comm.broadcast(x.tensor, i % comm.size, here);
    }
    queued_ops().synchronise(s);
    x.to_host({});
    require(x.host.tensor().as<double>()[0] == 1 && x.host.tensor().as<double>()[1] == 0,
            "the last of many broadcasts");
    queued_ops().release_event(mark);
    queued_ops().release_stream(s);
}

// The device of one rank is busy for longer than the stall limit.
void long_work(MpiWorld& world) {
    NcclWorld devices(world, queued_ops(), "", {.connect = 30, .stall = 0.5});
    OnDevice x(DType::f32, 1);
    x.host.tensor().as<float>()[0] = 1;
    x.to_device({});
    if (world.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    devices.all().sum(x.tensor, {});
    x.to_host({});
    require(x.host.tensor().as<float>()[0] == float(world.size()), "the sum after long work");
}

}  // namespace

const std::vector<Scenario> device_scenarios = {
    {"sums", sums},
    {"maxima", maxima},
    {"scattered_and_gathered", scattered_and_gathered},
    {"broadcasts", broadcasts},
    {"messages", messages},
    {"texts", texts},
    {"axes", axes},
    {"many", many},
    {"long_work", long_work, {.silence = 10, .patience = 60}},
};

}  // namespace gradus
