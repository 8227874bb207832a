#pragma once
// Settings of a recipe on the command line of a benchmark: --set model.layers=2, or --model.layers=2.
#include <string>
#include <vector>

#include "engine/config.h"
#include "tools/cli.h"

namespace gradus {

void add_settings_option(CLI::App&, std::vector<std::string>& assignments);

// `options` are the command's own, as settings; what --set says holds over them. `counting` names the settings that the
// command has a use for, or groups of them ("model."); Error for one of the others, which would change nothing.
Config bench_config(const std::string& command, Config options, const std::vector<std::string>& assignments,
                    const std::vector<std::string>& counting);

// resolve(), where there is neither a run nor data: the model has the vocabulary that it has by its name.
Resolved resolve_bench(Config, int ranks = 1);

}  // namespace gradus
