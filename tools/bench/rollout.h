#pragma once
// gradus bench rollout: answers to many prompts at once against one prompt alone, on the same model, in turns.
#include <string>
#include <vector>

#include "tools/bench/settings.h"
#include "tools/device.h"

namespace gradus {

struct RolloutBench {
    std::string model = benched_model;
    int prompts = 64, prompt_tokens = 32, tokens = 32, rounds = 5;
    ComputeOptions compute;
    bool json = false;
    std::vector<std::string> set;  // settings of a recipe, which override the options
};
void bench_rollout(const RolloutBench&);

}  // namespace gradus
