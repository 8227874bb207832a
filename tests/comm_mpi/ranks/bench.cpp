// Alternates our all-reduce and MPI's: launch.sh 2 comm_ranks bench. No test runs it.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "engine/comm_mpi/baseline.h"
#include "tests/comm_mpi/ranks/scenarios.h"

namespace gradus {

namespace {

template <class Do>
double seconds_of(const Comm& comm, Do&& work) {
    comm.barrier();
    const auto start = std::chrono::steady_clock::now();
    work();
    comm.barrier();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> x) {
    std::sort(x.begin(), x.end());
    return x[x.size() / 2];
}

// GB/s are the tensor's bytes over the time.
void bench(MpiWorld& world) {
    const Comm comm = world.all();
    if (comm.rank == 0)
        std::printf("%12s %12s %12s %12s %12s %12s  (GB/s)\n", "bytes", "sum", "MPI", "ratio", "scatter", "gather");
    for (int64_t bytes : {4, 1024, 16384, 262144, 4 << 20, 64 << 20, 256 << 20}) {
        std::vector<float> x(size_t(bytes) / 4, 1e-6f), part(x.size() / size_t(comm.size));
        const Tensor t = {x.data(), DType::f32, {int64_t(x.size())}},
                     p = {part.data(), DType::f32, {int64_t(part.size())}};
        const Tensor even = t.part(0, p.size() * comm.size);
        std::vector<double> ours, theirs, scatter, gather;
        const int turns = bytes > (32 << 20) ? 5 : bytes > (1 << 20) ? 21 : 101, calls = bytes > (1 << 20) ? 1 : 20;
        for (int turn = 0; turn < turns; ++turn) {
            const auto many = [&](auto&& call) {
                return seconds_of(comm,
                                  [&] {
                                      for (int i = 0; i < calls; ++i) call();
                                  }) /
                       calls;
            };
            ours.push_back(many([&] { comm.sum(t, {}); }));
            theirs.push_back(many([&] { mpi::library_all_reduce_sum(t); }));
            scatter.push_back(many([&] { comm.reduce_scatter(p, even, {}); }));
            gather.push_back(many([&] { comm.all_gather(even, p, {}); }));
            std::fill(x.begin(), x.end(), 1e-6f);
        }
        const auto rate = [&](const std::vector<double>& s) { return double(bytes) / median(s) / 1e9; };
        if (comm.rank == 0)
            std::printf("%12ld %12.4f %12.4f %12.2f %12.4f %12.4f  %.1f us, MPI %.1f us\n", long(bytes), rate(ours),
                        rate(theirs), rate(ours) / rate(theirs), rate(scatter), rate(gather), 1e6 * median(ours),
                        1e6 * median(theirs));
        std::fflush(stdout);
    }
}

}  // namespace

const std::vector<Scenario> bench_scenarios = {{"bench", bench}};

}  // namespace gradus
