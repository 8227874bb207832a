// gradus rounds: rankings, a reward model and PPO, again and again. Each round's raters see what the last policy says, so that the
// next reward model learns about the answers that PPO has found since.
#include <fmt/format.h>

#include "align/collect/candidates.h"
#include "align/examples/reader.h"
#include "engine/base/log.h"
#include "tools/cli.h"
#include "tools/model_folder.h"
#include "tools/rounds/rounds_table.h"
#include "tools/supervise/job.h"
#include "tools/supervise/words.h"

namespace gradus {

namespace {

struct RoundsCommand {
    std::string recipe;
    std::vector<std::string> set;
    bool help_settings = false;
};

// All prompts of the files as JSON lines.
std::vector<std::string> prompt_lines(const std::vector<std::string>& files) {
    std::vector<std::string> lines;
    for (const std::string& file : files) {
        const ExampleFile read = read_examples(file, {}, Needs{Kind::prompt, "gradus rounds"});
        for (size_t i = 0; i < read.examples.size(); ++i) {
            nlohmann::ordered_json line;
            put_prompt(line, read.at<Question>(i).prompt);
            lines.push_back(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
        }
    }
    if (lines.empty())
        throw Error("there is no prompt in " + toml_text(files), "the files have no examples",
                    "name other files: rounds.prompts");
    return lines;
}

// Runs commands until one is asked to stop.
class Commands {
public:
    // False: it was asked to stop. Error if it failed.
    bool run(const Command& words, const fs::path& unless = {}) {
        if (!unless.empty() && fs::exists(unless)) return true;
        tell("\n$ gradus " + join_words(words) + "\n");
        Command command = {fs::read_symlink("/proc/self/exe").string()};
        command.insert(command.end(), words.begin(), words.end());
        const JobEnd end = run_job(command, signals_);
        if (end.requests > 0 || signals_.requested_within(0)) return false;
        if (end.status != 0)
            throw Error("gradus " + words[0] + " failed", fmt::format("its exit status is {}", end.status),
                        "correct what it says above; the same command continues there");
        return true;
    }

private:
    StopSignals signals_;
};

// False: a command was asked to stop.
bool do_round(const RoundsConfig& c, int round, const std::vector<std::string>& prompts, Commands& commands) {
    const std::vector<int64_t> chosen = prompts_of_round(round, c.rounds.prompts_a_round, int64_t(prompts.size()));
    const RoundPlan plan(c, round, int64_t(chosen.size()));
    make_folder(plan.folder());
    std::string text;
    for (const int64_t i : chosen) text += prompts[size_t(i)];
    write_file_atomically(plan.prompts(), text);
    const bool simulated = c.rounds.rater == "simulated";
    if (round > c.rounds.count)  // only a comparison of the last policy
        return commands.run(plan.rank());
    return commands.run(plan.rank(), simulated ? plan.rankings() : fs::path()) && commands.run(plan.learn_reward()) &&
           commands.run(plan.optimise()) && (!simulated || commands.run(plan.measure(), plan.measured()));
}

// Until the first answers are ranked, the settings may change.
void begin_or_resume(const RoundsConfig& c, const fs::path& recipe) {
    if (!fs::exists(recipe) || !fs::exists(RoundPlan(c, 1, 0).rankings()))
        return write_file_atomically(recipe, recipe_text(c));
    RoundsConfig begun;
    apply_settings(begun, read_settings(recipe));
    require_same_rounds(begun, c);
    tell("continues the rounds in '" + c.run.dir + "'\n");
}

void rounds(const RoundsCommand& o) {
    const RoundsConfig c = load_rounds(o.recipe, o.set);
    const std::vector<std::string> prompts = prompt_lines(c.rounds.prompts);
    require_language_model(model_folder(c.rounds.policy, VerifyLevel::model).path);
    const fs::path run = c.run.dir;
    make_folder(run);
    const FolderLock lock(run);
    begin_or_resume(c, run / "recipe.toml");
    const bool compare_last = c.rounds.last_ranking && c.rounds.rater == "people";
    Commands commands;
    std::vector<RoundRow> rows;
    for (int round = 1; round <= int(c.rounds.count) + compare_last; ++round) {
        if (!do_round(c, round, prompts, commands))
            return tell(fmt::format("\nstopped in round {}; resume: gradus rounds {}\n", round, c.run.dir));
        rows = read_rounds(c, std::min(round, int(c.rounds.count)));
        write_file_atomically(run / "rounds.json", json_of(rows).dump(2) + "\n");
    }
    tell("\n" + text_of(rows));
    tell("\ndone: gradus chat " + rows.back().policy + "\n");
}

}  // namespace

void add_rounds_command(CLI::App& app) {
    auto o = std::make_shared<RoundsCommand>();
    CLI::App* command = app.add_subcommand(
        "rounds",
        "Repeats: a policy answers, people or a declared simulated rater rank, a reward model learns from all rankings "
        "so\n"
        "far, PPO makes the next policy. It runs gradus rank, reward, ppo and stages, prints each command, and ends "
        "with a table\n"
        "of rounds. Called again with the same folder, it continues where it was.\n\n"
        "Example: gradus rounds --run.dir=runs/rounds --rounds.policy=runs/sft --rounds.prompts=prompts.jsonl");
    command->add_option("RECIPE", o->recipe, "file of settings, or the folder of rounds to continue");
    add_set_option(*command, o->set, "the file");
    command->add_flag("--help-settings", o->help_settings, "list every setting with default, limits and meaning");
    command->callback([o] {
        if (o->help_settings) return fmt::print("{}", settings_help(RoundsConfig()));
        rounds(*o);
    });
}

}  // namespace gradus
