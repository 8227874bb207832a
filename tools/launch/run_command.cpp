#include "tools/launch/run_command.h"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "engine/base/log.h"
#include "engine/base/signals.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/resolve.h"
#include "tools/find_recipe.h"
#include "tools/supervise/supervise.h"
#include "tools/supervise/words.h"

namespace gradus {

namespace {

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

Config load(const RunCommand& o) {
    Config config(o.stage);
    if (o.recipe.empty())  // all settings come from the command line
        for (const std::string& a : o.set) apply_settings(config, {parse_assignment(a)});
    else config = load_recipe(o.recipe, o.set, o.stage);
    if (o.check_data == 0) check_sources(config);
    return config;
}

// Supervises the job: starts the ranks, and restarts them.
int start_ranks(const RunCommand& o) {
    if (o.auto_resume && o.resume == "never")
        throw Error("--auto-resume cannot be combined with --resume never", "--resume never starts a new run only",
                    "leave out --resume never, or --auto-resume");
    const Config config = load(o);
    return supervise({.launcher = split_words(o.launch),
                      .command = command_of_a_rank(),
                      .auto_resume = o.auto_resume,
                      .newest_checkpoint = [&] { return newest_step(config.run.dir); }});
}

void run(const RunCommand& o, const RunWork& work) {
    if (!o.launch.empty() || o.auto_resume) std::exit(start_ranks(o));
    install_stop_signals();
    // An error in the settings is reported after the ranks are known, by only one of them.
    Config config(o.stage);
    std::exception_ptr problem;
    std::string recipe;  // its path, if it was found by name
    try {
        if (!o.recipe.empty())
            if (const std::string file = find_recipe(o.recipe).file.string(); file != o.recipe) recipe = file;
        config = load(o);
    } catch (...) { problem = std::current_exception(); }
    MpiWorld world({.silence = config.mesh.silence});
    if (world.rank() > 0) silence_output();
    on_ranks(world, [&] {
        if (problem) std::rethrow_exception(problem);
        if (!recipe.empty()) tell(fmt::format("recipe   {}\n", recipe));
        work(world, config, o);
    });
}

}  // namespace

std::string resumption(const Config& config, int ranks) {
    return fmt::format("resume: {}gradus {} {}", ranks > 1 ? fmt::format("mpirun -n {} ", ranks) : "",
                       of_stage(config.stage).name, (fs::path(config.run.dir) / "recipe.toml").string());
}

void add_run_command(CLI::App& app, Stage stage, const std::string& description, const std::string& example,
                     RunWork work) {
    auto o = std::make_shared<RunCommand>();
    o->stage = stage;
    const std::string name = of_stage(stage).name;
    CLI::App* command = app.add_subcommand(
        name, description +
                  " Called again with the same folder, the run resumes from its newest checkpoint, bit for bit.\n\n"
                  "On Ctrl-C, SIGTERM or SIGHUP the step is finished and a checkpoint saved, exit status 0; a second "
                  "one exits at once with 130.\n\n"
                  "Several ranks: mpirun -n 4 gradus " +
                  name +
                  " RECIPE --set mesh.tp=2, or --launch 'mpirun -n 4'. mpirun kills its ranks\n"
                  "soon after Ctrl-C; SIGUSR1, which it forwards, asks them to save and end. --launch does so for "
                  "you.\n\n"
                  "Example: " +
                  example);
    command->add_option("RECIPE", o->recipe,
                        "file of settings, the folder of a run to resume, or the name of an included recipe");
    add_set_option(*command, o->set, "the file");
    command
        ->add_option("--resume", o->resume,
                     "auto: resume from the newest checkpoint if there is one; never: refuse a folder that has a run")
        ->check(one_of_words({"auto", "never"}))
        ->capture_default_str();
    command->add_option("--launch", o->launch,
                        "start the ranks with this command, such as --launch 'mpirun -n 4'; the same as: mpirun -n 4 "
                        "gradus " +
                            name + " …");
    command->add_flag("--auto-resume", o->auto_resume,
                      "if a rank is lost, restart all ranks from the newest checkpoint");
    if (stage == Stage::pretrain || stage == Stage::sft)
        command->add_flag(
            "--dry-run", o->dry_run,
            "check recipe, data and checkpoint, plan the memory, and print what a run would do; nothing is written");
    if (stage == Stage::sft || stage == Stage::dpo) {
        command->add_option("--check-data", o->check_data,
                            "show that many examples as the model sees them, what is trained marked, and end");
        command->add_flag("--json", o->json, "with --check-data: a JSON object per example, with ids, learnt and text");
    }
    command->add_flag("--help-settings", o->help_settings, "list every setting with default, limits and meaning");
    command->callback([o, work] {
        if (o->help_settings) return fmt::print("{}", settings_help(Config(o->stage)));
        if (o->recipe.empty() && (o->stage == Stage::pretrain || o->set.empty())) throw CLI::RequiredError("RECIPE");
        o->start = std::chrono::steady_clock::now();
        run(*o, work);
    });
}

}  // namespace gradus
