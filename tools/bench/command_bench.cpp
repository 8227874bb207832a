// gradus bench step | generate | rollout | ops | tokenizer: measures speed and compares it with the ceiling of this machine.
#include <algorithm>
#include <chrono>
#include <functional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/base/philox.h"
#include "engine/generate/generator.h"
#include "engine/initialise.h"
#include "engine/trainer.h"
#include "tools/bench/ceiling.h"
#include "tools/bench/ladder.h"
#include "tools/bench/model/options.h"
#include "tools/bench/model/table.h"
#include "tools/bench/ops.h"
#include "tools/bench/rollout.h"
#include "tools/bench/rounds.h"
#include "tools/bench/settings.h"
#include "tools/bench/step.h"
#include "tools/bench/tokenizer.h"
#include "tools/cli.h"
#include "tools/device.h"

namespace gradus {

namespace {

struct GenerateBenchOptions {
    std::string model = benched_model;
    ComputeOptions compute = {.dtype = "bf16"};
    int tokens = 64, rounds = 5;
    bool json = false;
    std::vector<std::string> set;  // settings of a recipe, which override the options
};

// Bytes of the weights that every new token reads; of an embedding table it reads only a row.
double bytes_read_per_token(LanguageModel& model) {
    double bytes = 0;
    for (const Weight& w : model.weights())
        if (w.name != "wpe" && (w.name != "wte" || model.config().tied)) bytes += double(w.value.bytes());
    return bytes;
}

void bench_generate(const GenerateBenchOptions& o) {
    const Resolved resolved = resolve_bench(generation_bench_config("bench generate", o.model, o.compute, o.set));
    const Config& c = resolved.config;
    use_threads(int(c.train.threads));
    ModelConfig m = resolved.model;
    if (o.tokens >= m.context)
        throw Error(fmt::format("--tokens {} is too long", o.tokens),
                    fmt::format("the model has {} positions", m.context), fmt::format("--tokens {}", m.context - 1));
    for (const std::string& text : resolved.notes) note(text);
    m.end_of_text = -1;  // a round never ends early
    const Ops& ops = ops_of(c.train, std::max(int(c.train.gpu), 0));
    const Ceilings ceilings(c.train.device, ops);
    auto model = make_language_model(ops, m, resolved.dtype, {}, {.graphs = resolved.mode.graphs});
    initialise(*model, resolved.trainer.seed);
    Generator generator(*model, {.context = o.tokens + 1});

    // Seconds per token after the first, which includes the prompt.
    const auto round = [&](int i) {
        Clock::time_point first, last;
        int tokens = 0;
        generator.generate({{{0}, uint64_t(i)}}, {.max_tokens = o.tokens}, [&](int, int32_t) {
            last = Clock::now();
            if (++tokens == 1) first = last;
            return true;
        });
        return std::chrono::duration<double>(last - first).count() / (tokens - 1);
    };
    const double bytes = bytes_read_per_token(*model);
    const Rounds r = measure(
        1, o.rounds, round, [&](double seconds) { return bytes / seconds / 1e9; }, [&] { return ceilings.gbps(); });
    const double per_second = 1 / median(r.seconds), gbps = median(r.ceilings), bound = gbps * 1e9 / bytes,
                 share = median(r.shares);
    if (o.json) {
        const nlohmann::ordered_json line = {{"model", c.model.name},
                                             {"dtype", c.train.dtype},
                                             {"settings", o.set},
                                             {"tokens", o.tokens},
                                             {"threads", threads_in_use()},
                                             {"tokens_per_second", per_second},
                                             {"bound_tokens_per_second", bound},
                                             {"share_of_bound", share},
                                             {"read_gbps", gbps},
                                             {"weight_mb", bytes / 1e6}};
        fmt::print("{}\n", line.dump());
        return;
    }
    fmt::print("{} {}  one sequence of {} tokens  {} threads\n", c.model.name, c.train.dtype, o.tokens,
               threads_in_use());
    for (const std::string& setting : o.set) fmt::print("set          {}\n", setting);
    fmt::print("tokens/s     {:9.1f}\n", per_second);
    fmt::print(
        "bound        {:9.1f}      {:.1f} MB of weights read per token at {:.1f} GB/s, as measured between the "
        "rounds\n",
        bound, bytes / 1e6, gbps);
    fmt::print("share        {:9.1f} %    of the bound\n", share * 100);
}

void add_step(CLI::App& bench) {
    auto o = std::make_shared<StepBench>();
    CLI::App* step = bench.add_subcommand(
        "step",
        "Times full training steps (forward, backward, clipping, update) on random tokens.\n\n"
        "On several ranks it also prints the time of each kind of communication, including waiting:\n"
        "  mpirun -n 2 gradus bench step --batch 2 --context 1024 --threads 1 --tp 2\n\n"
        "Example: gradus bench step --model gpt2-124m --batch 4 --context 64 --optimizer.kind=muon");
    step->add_option("--model", o->model, "named shape; settings such as --model.layers=2 change it")
        ->capture_default_str();
    step->add_option("--batch", o->batch, "sequences per step, on all ranks together")
        ->transform(whole_between(1, 1 << 16))
        ->capture_default_str();
    step->add_option("--context", o->context, "tokens per sequence")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    step->add_option("--steps", o->steps, "steps to time, after two warm-up steps")
        ->transform(whole_between(1, 1 << 20))
        ->capture_default_str();
    step->add_option("--tp", o->tp, "tensor-parallel ranks, of those that mpirun started; the rest is data-parallel")
        ->transform(whole_between(1, 1 << 16))
        ->capture_default_str();
    step->add_flag("--recompute", o->recompute, "keep only each block's input and recompute the block in backward");
    add_set_option(*step, o->set, "the options here");
    add_compute_options(*step, o->compute);
    step->add_flag("--json", o->json, "a JSON object instead of a table");
    step->callback([o] { bench_step(*o); });
}

void add_generate(CLI::App& bench) {
    auto o = std::make_shared<GenerateBenchOptions>();
    CLI::App* generate = bench.add_subcommand(
        "generate",
        "Times generation of one sequence, which is bound by reading all weights for every token.\n\n"
        "Example: gradus bench generate --model gpt2-124m --dtype bf16 --threads 2");
    generate->add_option("--model", o->model, "named shape; settings such as --model.layers=2 change it")
        ->capture_default_str();
    generate->add_option("--tokens", o->tokens, "length of the sequence")
        ->transform(whole_between(2, 1 << 24))
        ->capture_default_str();
    generate->add_option("--rounds", o->rounds, "sequences to time, after one warm-up sequence")
        ->transform(whole_between(1, 1000))
        ->capture_default_str();
    add_set_option(*generate, o->set, "the options here");
    add_compute_options(*generate, o->compute);
    generate->add_flag("--json", o->json, "a JSON object instead of a table");
    generate->callback([o] { bench_generate(*o); });
}

void add_rollout(CLI::App& bench) {
    auto o = std::make_shared<RolloutBench>();
    CLI::App* rollout =
        bench.add_subcommand("rollout",
                             "Times answers to many prompts at once, as gradus ppo and grpo generate them, and answers "
                             "to one prompt alone, in "
                             "turns.\n\n"
                             "Example: gradus bench rollout --model gpt2-124m --prompts 64 --threads 2");
    rollout->add_option("--model", o->model, "named shape; settings such as --model.layers=2 change it")
        ->capture_default_str();
    rollout->add_option("--prompts", o->prompts, "at once")
        ->transform(whole_between(1, 1 << 16))
        ->capture_default_str();
    rollout->add_option("--prompt-tokens", o->prompt_tokens, "of each prompt")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    rollout->add_option("--tokens", o->tokens, "of each answer")
        ->transform(whole_between(1, 1 << 24))
        ->capture_default_str();
    rollout->add_option("--rounds", o->rounds, "of both, after one to warm up")
        ->transform(whole_between(1, 1000))
        ->capture_default_str();
    add_set_option(*rollout, o->set, "the options here");
    add_compute_options(*rollout, o->compute);
    rollout->add_flag("--json", o->json, "a JSON object instead of a table");
    rollout->callback([o] { bench_rollout(*o); });
}

void add_ops(CLI::App& bench) {
    auto o = std::make_shared<BenchOpsOptions>();
    CLI::App* ops =
        bench.add_subcommand("ops",
                             "Times every op at the shapes of GPT-2 and LLaMA, compared with the ceiling of "
                             "this machine and with the library's version.\n\n"
                             "Example: gradus bench ops --filter attention --dtype bf16");
    ops->add_option("--filter", o->filter, "only ops whose name contains this");
    ops->add_option("--dtype", o->dtype, "only this dtype: f32 or bf16")->check(one_of_setting("train.dtype"));
    add_device_option(*ops, o->device);
    add_kernel_options(*ops, o->kernels);
    add_threads_option(*ops, o->threads);
    ops->add_flag("--json", o->json, "a JSON object per op instead of a table");
    ops->add_flag(
        "--count", o->count,
        "with --device simt: counts what each launch asks of a GPU at the shapes of training, and models its time");
    add_model_options(*ops, o->card, o->blocks, o->registers);
    ops->add_option("--capability", o->capability,
                    "with --count: the kernels for this compute capability, 80 or 90; default: the card's")
        ->check(one_of_words({"80", "90"}));
    for (const char* name : {"--card", "--capability", "--blocks", "--registers"})
        ops->get_option(name)->needs(ops->get_option("--count"));
    ops->callback([o] { bench_ops(*o); });
}

void add_ladder(CLI::App& bench) {
    auto o = std::make_shared<LadderBench>();
    CLI::App* ladder =
        bench.add_subcommand("ladder",
                             "Every rung of the kernels' ladders (docs/kernels/) at one shape: measured on a GPU, "
                             "counted and modelled in the "
                             "emulator.\n\n"
                             "Example: gradus bench ladder --family layernorm --device simt --card h200");
    ladder->add_option("--family", o->family, "only this family");
    ladder->add_option("--device", o->device, "simt or cuda")
        ->check(one_of_words({"simt", "cuda"}))
        ->capture_default_str();
    add_model_options(*ladder, o->card, o->blocks, o->registers);
    ladder->add_flag("--json", o->json, "a JSON object per rung instead of a table");
    ladder->callback([o] { bench_ladder(*o); });
}

void add_model(CLI::App& bench) {
    CLI::App* model = bench.add_subcommand("model",
                                           "Compares the model of kernel times, which bench ops --count and bench "
                                           "ladder use, with published figures of other "
                                           "projects' kernels: the table of docs/bench/model.md.\n\n"
                                           "Example: gradus bench model");
    model->callback([] { fmt::print("{}", model_table()); });
}

}  // namespace

void add_bench_command(CLI::App& app) {
    CLI::App* bench = app.add_subcommand("bench", "Measure speed and compare it with the ceiling of this machine");
    bench->require_subcommand(1);
    add_step(*bench);
    add_generate(*bench);
    add_rollout(*bench);
    add_ops(*bench);
    add_ladder(*bench);
    add_model(*bench);
    add_bench_tokenizer(*bench);
}

}  // namespace gradus
