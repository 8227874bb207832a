#include "tools/bench/step.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/base/philox.h"
#include "engine/initialise.h"
#include "engine/trainer.h"
#include "tools/bench/ceiling.h"
#include "tools/bench/rounds.h"
#include "tools/bench/settings.h"
#include "tools/bench/timed_comm.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/ranks.h"

namespace gradus {

namespace {

constexpr int warm_up = 2;  // untimed steps

NextBatch random_batches(int V) {
    return [V](int64_t first, HostBatch& batch) {
        const Philox tokens{key_of(1, first)};
        for (size_t i = 0; i < batch.tokens.size(); ++i) {
            batch.tokens[i] = int32_t(tokens.uniform(i, 0) * V);
            batch.targets[i] = int32_t(tokens.uniform(i, 1) * V);
        }
    };
}

// The sum over ranks of what each measures at the same time.
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

Config config_of(const StepBench& o) {
    Config c;
    c.model.name = o.model;
    c.train.batch = o.batch;
    c.train.context = o.context;
    c.mesh.tp = o.tp;
    c.train.recompute = o.recompute;
    c.train.dtype = o.compute.dtype;
    c.train.device = o.compute.device;
    c.train.threads = o.compute.threads;
    c.written_at = {{"model.name", "--model"}, {"train.batch", "--batch"}, {"train.context", "--context"}};
    c = bench_config(
        "bench step", c, o.set,
        {"it trains on random tokens for --steps steps and writes nothing",
         {"run.", "data.", "validation.", "checkpoint.", "sample.", "train.steps", "train.minutes", "train.autotune"}});
    c.train.steps = warm_up + o.steps;
    return c;
}

// One micro-batch per rank, unless train.micro_batch or train.memory is set.
Resolved resolved_for(Config c, const MpiWorld& world) {
    const int dp = resolve(MeshSizes{.dp = int(c.mesh.dp), .tp = int(c.mesh.tp)}, world.size()).dp;
    if (c.train.micro_batch == 0 && c.train.memory == 0 && c.train.batch % dp == 0)
        c.train.micro_batch = c.train.batch / dp;
    return resolve_bench(c, world.size());
}

void run(const StepBench& o, MpiWorld& world) {
    const Resolved r = resolved_for(config_of(o), world);
    const Config& c = r.config;
    if (world.rank() == 0)
        for (const std::string& text : r.notes) note(text);
    const ModelConfig& m = r.model;
    const Ops& ops = ops_of(c, world);
    RankComms comms(world, ops, comm_request(c, world));
    TimedMesh timed(comms.mesh(r.mesh));
    const Mesh& mesh = timed.mesh();
    use_threads_of_rank(world, int(c.train.threads));
    auto model = make_language_model(ops, m, r.dtype, r.shape, r.mode, mesh.tp);
    initialise(*model, r.trainer.seed);
    Trainer trainer(*model, r.trainer, mesh);

    const Ceilings ceilings(c.train.device, ops);
    const NextBatch next = random_batches(m.V);
    const double tokens = double(r.tokens_per_step), flops = 6 * double(parameter_count(m)) * tokens;
    const Rounds rounds = measure(
        warm_up, o.steps,
        [&](int i) {
            world.all().barrier();
            if (i == warm_up) timed.reset();
            const auto start = Clock::now();
            trainer.step(i, next);
            ops.synchronise(model->run.stream);  // includes the update
            return seconds_since(start);
        },
        [&](double seconds) { return flops / seconds / 1e9; },
        [&] { return on_all(world.all(), ceilings.gflops(r.dtype)); });

    const double seconds = median(rounds.seconds),
                 best = *std::min_element(rounds.seconds.begin(), rounds.seconds.end());
    const double gflops = flops / seconds / 1e9, ceiling = median(rounds.ceilings), share = median(rounds.shares);
    const DeviceMemory memory = ops.memory();
    const double peak = c.train.device == "cuda" ? double(memory.total - memory.free) / (1 << 20) : peak_rss_mib(),
                 all_peaks = on_all(world.all(), peak);
    if (world.rank() > 0) return;
    if (o.json) {
        const nlohmann::ordered_json line = {{"model", c.model.name},
                                             {"dtype", c.train.dtype},
                                             {"device", c.train.device},
                                             {"batch", c.train.batch},
                                             {"context", c.train.context},
                                             {"mesh", text_of(mesh.size)},
                                             {"ranks", world.size()},
                                             {"threads", threads_in_use()},
                                             {"steps", o.steps},
                                             {"recompute", c.train.recompute},
                                             {"settings", o.set},
                                             {"seconds_median", seconds},
                                             {"seconds_best", best},
                                             {"tokens_per_second", tokens / seconds},
                                             {"gflops", gflops},
                                             {"ceiling_gflops", ceiling},
                                             {"share_of_ceiling", share},
                                             {c.train.device == "cuda" ? "device_mib" : "peak_rss_mib", peak},
                                             {"exchange", json_of(timed.calls(), o.steps)}};
        fmt::print("{}\n", line.dump());
        return;
    }
    fmt::print("{} {}  batch {}  context {}  {}, {} {} each  {} steps{}\n", c.model.name, c.train.dtype, c.train.batch,
               c.train.context, text_of(mesh.size), threads_in_use(), threads_in_use() == 1 ? "thread" : "threads",
               o.steps, c.train.recompute ? "  recompute" : "");
    for (const std::string& setting : o.set) fmt::print("set          {}\n", setting);
    fmt::print("step         {:9.1f} ms   median; best {:.1f} ms\n", seconds * 1e3, best * 1e3);
    fmt::print("tokens/s     {:9.1f}\n", tokens / seconds);
    fmt::print("GFLOP/s      {:9.1f}      6 x parameters x tokens / time\n", gflops);
    fmt::print("ceiling      {:9.1f}      GFLOP/s, timed between the steps: {}\n", ceiling, ceilings.text());
    fmt::print("share        {:9.1f} %    of the ceiling\n", share * 100);
    fmt::print("memory       {:9.1f} MiB  {}{}\n", peak, c.train.device == "cuda" ? "in use on the GPU" : "peak",
               world.size() > 1 ? fmt::format(", {:.1f} on all ranks", all_peaks) : "");
    for (const auto& [name, called] : timed.calls())
        fmt::print("{:20} {:9.1f} ms   {:.0f} calls, {:.1f} MiB a step\n", name, called.seconds / o.steps * 1e3,
                   double(called.calls) / o.steps, called.bytes / o.steps / (1 << 20));
}

}  // namespace

void bench_step(const StepBench& o) {
    MpiWorld world;
    if (world.rank() > 0) silence_output();
    on_ranks(world, [&] { run(o, world); });
}

}  // namespace gradus
