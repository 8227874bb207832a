#include "tools/bench/ops.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/bench/ceiling.h"
#include "tools/cli.h"
#include "tools/device.h"

namespace gradus {

namespace {

constexpr int samples = 9;

double quantile(std::vector<double> x, double q) {
    std::sort(x.begin(), x.end());
    return x[size_t(q * double(x.size() - 1) + 0.5)];
}

struct Figures {
    double seconds, spread, gbps, gflops, share, ratio;  // ratio: the library's time over ours; 0: none
    bool compute_bound;
};

// Caches are cold, and the limiting ceiling is measured with each sample: the share is the median of the samples'
// shares.
Figures measure_op(const OpBenchmark& b, const Ceilings& ceilings, double gbps, double gflops) {
    Figures f = {};
    f.compute_bound = b.cost.flops / (gflops * 1e9) > b.cost.bytes / (gbps * 1e9);
    std::vector<double> times, shares, ratios;
    b.run();
    if (b.library) b.library();
    for (int i = 0; i < samples; ++i) {
        const double ours = ceilings.seconds(b.run);
        const double bound =
            f.compute_bound ? b.cost.flops / (ceilings.gflops(b.dtype) * 1e9) : b.cost.bytes / (ceilings.gbps() * 1e9);
        times.push_back(ours);
        shares.push_back(bound / ours);
        if (b.library) ratios.push_back(ceilings.seconds(b.library) / ours);
    }
    f.seconds = quantile(times, 0.5);
    f.spread = (quantile(times, 0.75) - quantile(times, 0.25)) / f.seconds;
    f.gbps = b.cost.bytes / f.seconds * 1e-9;
    f.gflops = b.cost.flops / f.seconds * 1e-9;
    f.share = quantile(shares, 0.5);
    f.ratio = ratios.empty() ? 0 : quantile(ratios, 0.5);
    return f;
}

void print(const OpBenchmark& b, const Figures& f) {
    fmt::print("{:<24} {:<30} {:<4} {:>10.1f} {:>5.0f}% {:>7.1f} {:>8.1f} {:>5.0f}% {:<7} {:>7}\n", b.op, b.shape,
               name_of(b.dtype), f.seconds * 1e6, f.spread * 100, f.gbps, f.gflops, f.share * 100,
               f.compute_bound ? "GFLOP/s" : "GB/s", f.ratio > 0 ? fmt::format("{:.2f}", f.ratio) : "-");
}

void print_json(const OpBenchmark& b, const Figures& f) {
    nlohmann::ordered_json line = {{"op", b.op},
                                   {"shape", b.shape},
                                   {"dtype", name_of(b.dtype)},
                                   {"seconds", f.seconds},
                                   {"spread", f.spread},
                                   {"gbps", f.gbps},
                                   {"gflops", f.gflops},
                                   {"share_of_ceiling", f.share},
                                   {"bound_by", f.compute_bound ? "arithmetic" : "memory"}};
    if (f.ratio > 0) line["library_time_ratio"] = f.ratio;
    fmt::print("{}\n", line.dump());
}

}  // namespace

int bench_ops(const BenchOpsOptions& options) {
    use_kernels(options.device, options.kernels);
    if (options.count) return count_ops(options);
    use_threads(options.threads);
    const Ops& ops = ops_of(options.device);
    const Ceilings ceilings(options.device, ops);
    const double gbps = ceilings.gbps(), f32 = ceilings.gflops(DType::f32), half = ceilings.gflops(DType::bf16);
    if (!options.json) {
        fmt::print("{}; ceilings: {:.1f} GB/s, f32 {:.1f} GFLOP/s, bf16 {:.1f} GFLOP/s ({})\n",
                   options.device == "cpu" ? fmt::format("{} threads", omp_get_max_threads()) : options.device, gbps,
                   f32, half, ceilings.text());
        fmt::print("{:<24} {:<30} {:<4} {:>10} {:>6} {:>7} {:>8} {:>6} {:<7} {:>7}\n", "op", "shape", "", "us",
                   "spread", "GB/s", "GFLOP/s", "share", "of", "library");
    }
    int count = 0;
    each_op_benchmark(options, ops, [&](const OpBenchmark& b) {
        const Figures f = measure_op(b, ceilings, gbps, b.dtype == DType::bf16 ? half : f32);
        if (options.json) print_json(b, f);
        else print(b, f);
        std::fflush(stdout);
        ++count;
    });
    if (count == 0)
        throw Error("no op matches '" + options.filter + "'", "--filter keeps the ops whose name contains it",
                    "gradus bench ops --filter linear");
    return count;
}

}  // namespace gradus
