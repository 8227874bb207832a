#include "tools/bench_step.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/base/philox.h"
#include "engine/initialise.h"
#include "engine/trainer.h"
#include "tools/ceiling.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/ranks.h"
#include "tools/rounds.h"
#include "tools/timed_comm.h"

namespace gradus {

namespace {

NextBatch random_batches(int V) {
    return [V](int64_t first, HostBatch& batch) {
        const Philox tokens{key_of(1, first)};
        for (size_t i = 0; i < batch.tokens.size(); ++i) {
            batch.tokens[i] = int32_t(tokens.uniform(i, 0) * V);
            batch.targets[i] = int32_t(tokens.uniform(i, 1) * V);
        }
    };
}

// The sum over the ranks of what each of them measures at the same time.
double on_all(const Comm& all, double here) {
    all.sum(std::span(&here, 1));
    return here;
}

nlohmann::ordered_json json_of(const std::map<std::string, TimedCalls>& calls, int steps) {
    nlohmann::ordered_json all = nlohmann::ordered_json::object();
    for (const auto& [name, c] : calls)
        all[name] = {
            {"calls", double(c.calls) / steps}, {"mib", c.bytes / steps / (1 << 20)}, {"seconds", c.seconds / steps}};
    return all;
}

void run(const StepBench& o, MpiWorld& world) {
    const ModelConfig m = named_model(o.model);
    if (o.context > m.context)
        throw Error(fmt::format("--context {} is longer than the model's", o.context),
                    fmt::format("{} has {} positions", o.model, m.context), fmt::format("--context {}", m.context));
    Config config_of_device;
    config_of_device.device = o.device;
    const Ops& ops = ops_of(config_of_device, world);
    RankComms comms(world, ops, comm_request(config_of_device, world));
    TimedMesh timed(comms.mesh({.tp = o.tp}));
    const Mesh& mesh = timed.mesh();
    if (o.batch % mesh.dp.size != 0)
        throw Error(fmt::format("{} ranks cannot share out --batch {}", mesh.dp.size, o.batch),
                    "each rank of dp has as many sequences", fmt::format("--batch {}", mesh.dp.size));
    use_threads_of_rank(world, o.threads);
    const DType dtype = parse_dtype(o.dtype);
    const int batch = o.batch / mesh.dp.size;
    auto model = make_model(
        ops, m, dtype, {.B = batch, .T = o.context, .training = true, .recompute = o.recompute, .parts = mesh.dp.size},
        mesh.tp);
    initialise(*model, 1);
    TrainerConfig config;
    config.batch = o.batch;
    config.micro_batch = batch;
    config.context = o.context;
    Trainer trainer(*model, config, mesh);

    const Ceilings ceilings(o.device, ops);
    constexpr int warm_up = 2;
    const NextBatch next = random_batches(m.V);
    const double tokens = double(o.batch) * o.context, flops = 6 * double(parameter_count(m)) * tokens;
    const Rounds r = measure(
        warm_up, o.steps,
        [&](int i) {
            world.all().barrier();
            if (i == warm_up) timed.forget();
            const auto start = Clock::now();
            trainer.step(i, next);
            ops.synchronise(model->run.stream);  // the update too
            return seconds_since(start);
        },
        [&](double seconds) { return flops / seconds / 1e9; },
        [&] { return on_all(world.all(), ceilings.gflops(dtype)); });

    const double seconds = median(r.seconds), best = *std::min_element(r.seconds.begin(), r.seconds.end());
    const double gflops = flops / seconds / 1e9, ceiling = median(r.ceilings), share = median(r.shares);
    const DeviceMemory memory = ops.memory();
    const double peak = o.device == "cuda" ? double(memory.total - memory.free) / (1 << 20) : peak_rss_mib(),
                 all_peaks = on_all(world.all(), peak);
    if (world.rank() > 0) return;
    if (o.json) {
        const nlohmann::ordered_json line = {{"model", o.model},
                                             {"dtype", o.dtype},
                                             {"device", o.device},
                                             {"batch", o.batch},
                                             {"context", o.context},
                                             {"mesh", text_of(mesh.size)},
                                             {"ranks", world.size()},
                                             {"threads", threads_in_use()},
                                             {"steps", o.steps},
                                             {"recompute", o.recompute},
                                             {"seconds_median", seconds},
                                             {"seconds_best", best},
                                             {"tokens_per_second", tokens / seconds},
                                             {"gflops", gflops},
                                             {"ceiling_gflops", ceiling},
                                             {"share_of_ceiling", share},
                                             {o.device == "cuda" ? "device_mib" : "peak_rss_mib", peak},
                                             {"exchange", json_of(timed.calls(), o.steps)}};
        fmt::print("{}\n", line.dump());
        return;
    }
    fmt::print("{} {}  batch {}  context {}  {}, {} {} each  {} steps{}\n", o.model, o.dtype, o.batch, o.context,
               text_of(mesh.size), threads_in_use(), threads_in_use() == 1 ? "thread" : "threads", o.steps,
               o.recompute ? "  recompute" : "");
    fmt::print("step         {:9.1f} ms   median; best {:.1f} ms\n", seconds * 1e3, best * 1e3);
    fmt::print("tokens/s     {:9.1f}\n", tokens / seconds);
    fmt::print("GFLOP/s      {:9.1f}      6 x parameters x tokens / time\n", gflops);
    fmt::print("ceiling      {:9.1f}      GFLOP/s, timed between the steps: {}\n", ceiling, ceilings.text());
    fmt::print("share        {:9.1f} %    of the ceiling\n", share * 100);
    fmt::print("memory       {:9.1f} MiB  {}{}\n", peak, o.device == "cuda" ? "in use on the GPU" : "peak",
               world.size() > 1 ? fmt::format(", {:.1f} on all ranks", all_peaks) : "");
    for (const auto& [name, c] : timed.calls())
        fmt::print("{:20} {:9.1f} ms   {:.0f} calls, {:.1f} MiB a step\n", name, c.seconds / o.steps * 1e3,
                   double(c.calls) / o.steps, c.bytes / o.steps / (1 << 20));
}

}  // namespace

void bench_step(const StepBench& o) {
    MpiWorld world;
    if (world.rank() > 0) leave_speaking_to_others();
    on_ranks(world, [&] { run(o, world); });
}

}  // namespace gradus
