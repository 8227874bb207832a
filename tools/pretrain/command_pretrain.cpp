// gradus pretrain: trains a model on token shards, with the settings of a recipe.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <nlohmann/json.hpp>

#include "engine/autotune.h"
#include "engine/base/plural.h"
#include "engine/base/signals.h"
#include "tools/cli.h"
#include "tools/device.h"
#include "tools/find_recipe.h"
#include "tools/model_folder.h"
#include "tools/pretrain/describe.h"
#include "tools/pretrain/loop.h"
#include "tools/supervise/supervise.h"
#include "tools/supervise/words.h"

namespace gradus {

namespace {

struct PretrainCommand {
    std::string recipe, resume = "auto", launch;
    std::vector<std::string> set;
    bool help_settings = false, auto_resume = false, dry_run = false;
};

void print_run(const Resolved& r, const PretrainData& data, const PretrainBatches& batches, TrainingRun& run,
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
void write_facts(const Resolved& r, const PretrainData& data, const PretrainBatches& batches) {
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
    const fs::path counts = data.train.front().parent_path() / "report.json";
    if (fs::exists(counts, ignored)) write_file_atomically(folder / "data.json", read_file(counts));
}

void lock_new_folder(const fs::path& folder, std::optional<FolderLock>& lock) {
    std::error_code problem;
    make_folder(folder);
    lock.emplace(folder);
    if (fs::exists(folder / "log.jsonl", problem))
        throw Error("another run began in '" + folder.string() + "' in the meantime", "it now has a log.jsonl",
                    "--set run.dir=OTHER, or the same command again to resume that run");
}

// Differences between ranks that would otherwise go unnoticed.
void require_same_run_on(const MpiWorld& world, const Resolved& r) {
    if (world.size() == 1) return;
    Config c = r.config;
    c.train.threads = 0;  // of a host
    require_agreement(world, {{"program", program_identity(), "copy one build of gradus to every machine"},
                              {"recipe", recipe_text(c), "start every rank with the same recipe and the same --set"},
                              {"data set", r.identity, "give every machine the same shards and the same tokenizer"}});
}

// Called before anything is allocated: ranks that share a device divide its free memory.
void require_device_memory(const MpiWorld& world, const Resolved& r, const PretrainData& data, const Ops& ops) {
    const int gpus = r.cuda && r.config.train.gpu < 0 ? std::max(cuda_devices(), 1) : 1,
              sharing = (world.local_size() + gpus - 1) / gpus;
    world.all().barrier();  // no rank allocates before all have queried the free memory
    const double free = double(ops.memory().free) / sharing;
    world.all().barrier();
    Devices devices = parse_devices(fmt::format("{}xH100", world.size()));
    devices.device.matmul_workspace = ops.matmul_workspace;
    devices.device.logit_rows = ops.logit_rows;
    require_memory({.config = r.config, .data = data.facts, .base = r.model, .devices = devices}, free);
}

// What a run starts from, and its resolved settings.
struct RunStart {
    std::optional<ResumePoint> resume;
    LockedFolder from;  // the weights of model.from
    Resolved resolved;
};

// Replaces model.from by the folder of its weights: for a run, its newest checkpoint.
RunStart find_start(const MpiWorld& world, Config& config, const PretrainData& data, bool never_resume,
                    VerifyLevel level) {
    RunStart start;
    start.resume = find_resume_point(config.run.dir, never_resume, world.all());
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
    const PretrainData data = open_data(config);
    const RunStart begin = find_start(world, config, data, never_resume, VerifyLevel::config);
    const Resolved& r = begin.resolved;
    const PretrainBatches batches(data, r);
    sample_prompts(r, data);
    describe_run(r, data, batches);
    if (first) describe_dry_run(r, data, begin.resume, world.size());
    note_warnings(r, batches);
}

// Runs on every rank.
void train(MpiWorld& world, Config config, bool never_resume, std::chrono::steady_clock::time_point start) {
    const bool first = world.rank() == 0;
    use_threads_of_rank(world, int(config.train.threads));
    const PretrainData data = open_data(config);
    const Ops& ops = ops_of(config, world);

    // An existing folder is locked before it is read; a new one is created after all checks. Only rank 0 locks and
    // writes.
    const fs::path folder = config.run.dir;
    std::optional<FolderLock> lock;
    std::error_code ignored;
    const bool is_new = first && !fs::exists(folder, ignored);
    if (first && !is_new) lock.emplace(folder);
    auto [resume, from, r] = find_start(world, config, data, never_resume, VerifyLevel::model);
    if (r.config.train.device != "cpu") require_device_memory(world, r, data, ops);
    Config same = r.config;
    same.train.threads = 0;  // of a host
    RankComms comms(world, ops, comm_request(same, world));
    const Mesh mesh = comms.mesh(r.mesh);
    const PretrainBatches batches(data, r);
    const std::vector<Prompt> samples = sample_prompts(r, data);

    if (first && resume) finish_save(*resume);
    if (resume && resume->state.step >= r.config.train.steps) {
        tell(fmt::format("this run has finished all of its {} steps: {}\n", text_of_whole(r.config.train.steps),
                         resume->folder.string()));
        return;
    }
    if (resume)
        tell(fmt::format("resume   after step {} of {}, from {}\n", resume->state.step, r.config.train.steps,
                         resume->folder.string()));
    if (r.config.train.minutes > 0 && !resume) {
        const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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
    const std::string resumption =
        fmt::format("resume: {}gradus pretrain {}", world.size() > 1 ? fmt::format("mpirun -n {} ", world.size()) : "",
                    (folder / "recipe.toml").string());
    world.set_resume(resumption);
    PretrainLoop loop(r, data, batches, samples, std::move(run));
    if (loop.run())
        tell(fmt::format("done: gradus generate {0} --prompt TEXT, or gradus report {0}\n", folder.string()));
    else tell(fmt::format("stopped; {}\n", resumption));
}

// The command line without the options that only the supervisor uses.
std::vector<std::string> command_of_a_rank() {
    const std::string words = read_file("/proc/self/cmdline");
    std::vector<std::string> command;
    for (size_t start = 0; start < words.size(); start = words.find('\0', start) + 1) {
        const std::string word = words.c_str() + start;
        if (word == "--launch") start = words.find('\0', start) + 1;  // and its value
        else if (word != "--auto-resume" && !word.starts_with("--launch=")) command.push_back(word);
    }
    command.front() = fs::read_symlink("/proc/self/exe").string();
    return command;
}

int64_t newest_step(const fs::path& run_folder) {
    const LatestCheckpoint latest = latest_checkpoint(run_folder);
    return latest.folder ? read_manifest(*latest.folder).state.step : -1;
}

// Supervises the job: starts the ranks, and restarts them.
int start_ranks(const PretrainCommand& o) {
    if (o.auto_resume && o.resume == "never")
        throw Error("--auto-resume cannot be combined with --resume never", "--resume never starts a new run only",
                    "leave out --resume never, or --auto-resume");
    const Config config = load_recipe(o.recipe, o.set);
    check_sources(config);
    return supervise({.launcher = split_words(o.launch),
                      .command = command_of_a_rank(),
                      .auto_resume = o.auto_resume,
                      .newest_checkpoint = [&] { return newest_step(config.run.dir); }});
}

void pretrain(const PretrainCommand& o) {
    const auto start = std::chrono::steady_clock::now();
    if (!o.launch.empty() || o.auto_resume) std::exit(start_ranks(o));
    install_stop_signals();
    // An error in the settings is reported after the ranks are known, by only one of them.
    Config config;
    std::exception_ptr problem;
    std::string recipe;  // its path, if it was found by name
    try {
        if (const std::string file = find_recipe(o.recipe).file.string(); file != o.recipe) recipe = file;
        config = load_recipe(o.recipe, o.set);
        check_sources(config);
    } catch (...) { problem = std::current_exception(); }
    MpiWorld world({.silence = config.mesh.silence});
    if (world.rank() > 0) silence_output();
    on_ranks(world, [&] {
        if (problem) std::rethrow_exception(problem);
        if (!recipe.empty()) tell(fmt::format("recipe   {}\n", recipe));
        if (o.dry_run) check_only(world, config, o.resume == "never");
        else train(world, config, o.resume == "never", start);
    });
}

}  // namespace

void add_pretrain_command(CLI::App& app) {
    auto o = std::make_shared<PretrainCommand>();
    CLI::App* command = app.add_subcommand(
        "pretrain",
        "Trains a model on token shards. A recipe is a TOML file of settings (included: quickstart, gpt2-124m, …). The "
        "run's folder gets\n"
        "recipe.toml (every setting), log.jsonl (a line per step), samples.jsonl and checkpoints/, which Hugging Face "
        "transformers\n"
        "loads as they are. Called again with the same folder, the run resumes from its newest checkpoint, bit for "
        "bit.\n\n"
        "On Ctrl-C, SIGTERM or SIGHUP the step is finished and a checkpoint saved, exit status 0; a second one exits "
        "at "
        "once with 130.\n\n"
        "Several ranks: mpirun -n 4 gradus pretrain RECIPE --set mesh.tp=2, or --launch 'mpirun -n 4'. mpirun kills "
        "its "
        "ranks\n"
        "soon after Ctrl-C; SIGUSR1, which it forwards, asks them to save and end. --launch does so for you.\n\n"
        "Example: gradus pretrain quickstart --data.dir=prepared --run.dir=runs/first");
    command->add_option("RECIPE", o->recipe,
                        "file of settings, the folder of a run to resume, or the name of an included recipe");
    add_set_option(*command, o->set, "the file");
    command
        ->add_option("--resume", o->resume,
                     "auto: resume from the newest checkpoint if there is one; never: refuse a folder that has a run")
        ->check(one_of_words({"auto", "never"}))
        ->capture_default_str();
    command->add_option(
        "--launch", o->launch,
        "start the ranks with this command, such as --launch 'mpirun -n 4'; the same as: mpirun -n 4 gradus "
        "pretrain …");
    command->add_flag("--auto-resume", o->auto_resume,
                      "if a rank is lost, restart all ranks from the newest checkpoint");
    command->add_flag(
        "--dry-run", o->dry_run,
        "check recipe, data and checkpoint, plan the memory, and print what a run would do; nothing is written");
    command->add_flag("--help-settings", o->help_settings, "list every setting with default, limits and meaning");
    command->callback([o] {
        if (o->help_settings) fmt::print("{}", settings_help<Config>());
        else if (o->recipe.empty()) throw CLI::RequiredError("RECIPE");
        else pretrain(*o);
    });
}

}  // namespace gradus
