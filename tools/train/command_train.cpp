// gradus pretrain and gradus sft: a model learns to predict text, token shards or demonstrations.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/autotune.h"
#include "engine/base/plural.h"
#include "tools/align/demonstrations.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/launch/run_command.h"
#include "tools/launch/run_start.h"
#include "tools/model_folder.h"
#include "tools/train/describe.h"
#include "tools/train/loop.h"

namespace gradus {

namespace {

void print_run(const Resolved& r, const RunData& data, const RunBatches& batches, TrainingRun& run,
               const MpiWorld& world, const std::string& comms) {
    describe_run(r, data, batches);
    if (world.size() > 1) {
        std::vector<std::string> hosts;
        for (int rank = 0; rank < world.size(); ++rank) hosts.push_back(world.host(rank));
        std::sort(hosts.begin(), hosts.end());
        const auto different = std::unique(hosts.begin(), hosts.end()) - hosts.begin();
        tell(fmt::format("mesh     {} = {} ranks on {}, {} each, by {}{}\n", text_of(r.mesh), world.size(),
                         number_of(different, "host"), number_of(threads_in_use(), "thread"), comms,
                         run.trainer->optimizer().sharded() ? "; masters and moments sharded over dp" : ""));
    }
    describe_memory({.params = double(run.model->parameters.values.bytes()),
                     .grads = double(run.model->parameters.grads.bytes()),
                     .optimizer = double(run.trainer->optimizer().bytes()),
                     .activations = double(run.model->activation_bytes()),
                     .inputs = double(run.trainer->bytes() + (run.validation ? run.validation->bytes() : 0)),
                     .samples = run.samples ? double(run.samples->bytes()) : 0},
                    world.size());
    tell("columns  loss in nats per token; grad: norm before clipping; GFLOP/s = 6 x parameters x tokens/s\n");
    note_warnings(r, batches);
}

// Files for `gradus report`.
void write_facts(const Resolved& r, const RunData& data, const RunBatches& batches) {
    const fs::path folder = r.config.run.dir;
    write_file_atomically(folder / "recipe.toml", recipe_text(r.config));
    const nlohmann::ordered_json facts = {{"parameters", parameter_count(r.model)},
                                          {"tokens_per_step", r.tokens_per_step},
                                          {"train_tokens", batches.train_tokens()},
                                          {"val_tokens", batches.val_tokens()},
                                          {"vocab", data.facts.vocab},
                                          {"threads", threads_in_use()}};
    write_file_atomically(folder / "run.json", facts.dump(2) + "\n");
    std::error_code ignored;
    const fs::path counts = data.rows ? fs::path() : data.train.front().parent_path() / "report.json";
    if (!counts.empty() && fs::exists(counts, ignored)) write_file_atomically(folder / "data.json", read_file(counts));
}

// What a run starts from, and its resolved settings.
struct RunStart {
    std::optional<ResumePoint> resume;
    LockedFolder from;  // the weights of model.from
    Resolved resolved;
};

// Replaces model.from by the folder of its weights: for a run, its newest checkpoint.
RunStart find_start(const MpiWorld& world, Config& config, const RunData& data, bool never_resume, VerifyLevel level) {
    RunStart start;
    start.resume = find_resume_point(config.run.dir, config.stage, never_resume, world.all());
    if (!start.resume && !config.model.from.empty()) {
        start.from = model_folder(config.model.from, level, world.all());
        config.model.from = start.from.path.string();
    }
    start.resolved = resolve_run(config, data, start.resume, world.size());
    require_same_run_on(world, start.resolved);
    return start;
}

// --dry-run: all checks before the first allocation, and nothing else. Does not lock the run's folder, which would
// write a file.
void check_only(MpiWorld& world, Config config, bool never_resume) {
    const bool first = world.rank() == 0;
    use_threads_of_rank(world, int(config.train.threads));
    RunData data = open_run_data(config);
    const RunStart begin = find_start(world, config, data, never_resume, VerifyLevel::config);
    const Resolved& r = begin.resolved;
    const RunBatches batches(data, r);
    sample_prompts(r, data);
    describe_run(r, data, batches);
    if (first) describe_dry_run(r, data, begin.resume, world.size());
    note_warnings(r, batches);
}

// Runs on every rank.
void train(MpiWorld& world, Config config, const RunCommand& o) {
    const bool never_resume = o.resume == "never";
    const bool first = world.rank() == 0;
    use_threads_of_rank(world, int(config.train.threads));
    RunData data = open_run_data(config);
    const Ops& ops = ops_of(config, world);

    // An existing folder is locked before it is read; a new one is created after all checks. Only rank 0 locks and
    // writes.
    const fs::path folder = config.run.dir;
    std::optional<FolderLock> lock;
    std::error_code ignored;
    const bool is_new = first && !fs::exists(folder, ignored);
    if (first && !is_new) lock.emplace(folder);
    auto [resume, from, r] = find_start(world, config, data, never_resume, VerifyLevel::model);
    require_device_memory(world, r, data.facts, ops);
    Config same = r.config;
    same.train.threads = 0;  // of a host
    RankComms comms(world, ops, comm_request(same, world));
    const Mesh mesh = comms.mesh(r.mesh);
    const RunBatches batches(data, r);
    const std::vector<Prompt> samples = sample_prompts(r, data);

    if (first && resume) finish_save(*resume);
    if (is_finished(resume, r.config)) return;
    if (r.config.train.minutes > 0 && !resume) {
        const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - o.start).count();
        const auto steps = steps_for_minutes(r, batches, elapsed, mesh, ops);
        if (!steps) {
            tell("stopped before the first step; nothing was written\n");
            return;
        }
        r = resolve_timed_run(config, data, *steps, world.size());
    }
    TrainingRun run = start_run(r, data.facts, resume, mesh, ops);
    world.all().barrier();  // every rank has allocated its memory
    from.lock.reset();
    if (is_new) lock_new_folder(folder, lock);
    if (first) remove_stale_temporaries(folder);
    print_run(r, data, batches, run, world, comms.text());
    if (first) write_facts(r, data, batches);
    if (r.config.train.autotune && autotune(*run.trainer, batches.train(), folder / "matmuls.txt"))
        tell(fmt::format("matmuls  fastest algorithms: {}\n", (folder / "matmuls.txt").string()));
    const std::string resume_with = resumption(config, world.size());
    world.set_resume(resume_with);
    TextLoop loop(r, data, batches, samples, std::move(run));
    if (loop.run())
        tell(ending(r.config, loop.state()) +
             fmt::format("done: gradus {0}, or gradus report {1}\n",
                         data.chat ? "chat " + folder.string() : "generate " + folder.string() + " --prompt TEXT",
                         folder.string()));
    else tell(fmt::format("stopped; {}\n", resume_with));
}

// The first rank's work of --check-data.
void check_data(const Config& config, const RunCommand& o) {
    if (o.json) silence_output();
    show_demonstrations(config, o.check_data, o.json);
}

void run(MpiWorld& world, const Config& config, const RunCommand& o) {
    if (o.check_data > 0) {
        if (world.rank() == 0) check_data(config, o);
    } else if (o.dry_run) {
        check_only(world, config, o.resume == "never");
    } else {
        train(world, config, o);
    }
}

}  // namespace

void add_pretrain_command(CLI::App& app) {
    add_run_command(app, Stage::pretrain,
                    "Trains a model on token shards. A recipe is a TOML file of settings (included: quickstart, "
                    "gpt2-124m, …). The run's folder gets\n"
                    "recipe.toml (every setting), log.jsonl (a line per step), samples.jsonl and checkpoints/, which "
                    "Hugging Face transformers\n"
                    "loads as they are.",
                    "gradus pretrain quickstart --data.dir=prepared --run.dir=runs/first", run);
}

void add_sft_command(CLI::App& app) {
    add_run_command(
        app, Stage::sft,
        "Fine-tunes a model on demonstrations: conversations whose answers it learns to give. They are read "
        "from sft.data (JSON lines in any\n"
        "of the common formats), written by a chat template (sft.template), and packed into sequences in "
        "which each attends to itself alone;\n"
        "the answers and their ends are trained. The template is saved with the model.",
        "gradus sft --model.from=runs/first --sft.data=chat.jsonl --sft.template=plain --run.dir=runs/sft", run);
}

}  // namespace gradus
