#pragma once
// Settings of a recipe on the command line of a benchmark: --set model.layers=2, or --model.layers=2.
#include <string>
#include <vector>

#include "engine/resolve.h"
#include "tools/cli.h"
#include "tools/device.h"

namespace gradus {

inline constexpr const char* benched_model = "gpt2-124m";  // unless --model names another

// Settings, or groups of them ("run."), that have no effect on a benchmark, and why.
struct UnusedSettings {
    std::string why;
    std::vector<std::string> settings;
};

// `options` are the command's own options as settings; --set overrides them. Error for a setting without effect.
Config bench_config(const std::string& command, Config options, const std::vector<std::string>& assignments,
                    const UnusedSettings&);

// Of a benchmark that generates from random weights: only the model, and how it computes, have an effect.
Config generation_bench_config(const std::string& command, const std::string& model, const ComputeOptions&,
                               const std::vector<std::string>& assignments);

// resolve() without a run or data: the vocabulary is that of the named model.
Resolved resolve_bench(Config, int ranks = 1);

}  // namespace gradus
