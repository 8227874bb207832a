#pragma once
// What the commands that train have in common: a recipe, ranks, a run that resumes.
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "engine/config.h"
#include "tools/cli.h"
#include "tools/ranks.h"

namespace gradus {

struct RunCommand {
    Stage stage = Stage::pretrain;
    std::string recipe, resume = "auto", launch;
    std::vector<std::string> set;
    bool help_settings = false, auto_resume = false, dry_run = false;
    int64_t check_data = 0;  // examples to show instead
    bool json = false;
    std::chrono::steady_clock::time_point start;  // of the command
};

// Called on every rank, with the settings of the recipe and the command line.
using RunWork = std::function<void(MpiWorld&, const Config&, const RunCommand&)>;

// Adds the command of the stage. `description` is one paragraph; that of resuming, stopping and ranks follows it.
void add_run_command(CLI::App&, Stage, const std::string& description, const std::string& example, RunWork);

// "resume: mpirun -n 4 gradus sft RUN/recipe.toml"
std::string resumption(const Config&, int ranks);

}  // namespace gradus
