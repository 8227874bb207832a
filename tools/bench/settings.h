#pragma once
// Settings of a recipe on the command line of a benchmark: --set model.layers=2, or --model.layers=2.
#include <string>
#include <vector>

#include "engine/resolve.h"
#include "tools/cli.h"

namespace gradus {

void add_settings_option(CLI::App&, std::vector<std::string>& assignments);

// What a benchmark does not do, and the settings, or groups of them ("run."), that so change nothing.
struct Useless {
    std::string why;
    std::vector<std::string> settings;
};

// `options` are the command's own, as settings; what --set says holds over them. Error for a setting that changes nothing.
Config bench_config(const std::string& command, Config options, const std::vector<std::string>& assignments,
                    const Useless&);

// resolve(), where there is neither a run nor data: the model has the vocabulary that it has by its name.
Resolved resolve_bench(Config, int ranks = 1);

}  // namespace gradus
