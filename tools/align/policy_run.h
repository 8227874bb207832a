#pragma once
// What gradus ppo and gradus grpo have in common: prompts, rollouts on all ranks, and scores.
#include <functional>

#include "align/reward/reward_trainer.h"
#include "align/rollouts/rollout.h"
#include "tools/align/aligned_run.h"

namespace gradus {

struct PolicyPrompts {
    std::vector<std::vector<int32_t>> ids;
    std::vector<Conversation> texts;
    std::vector<std::string> references;  // right answers, if the data has them
    std::string hash;                     // of the files
};
PolicyPrompts read_prompts(AlignedRun&);

// The prompts of an iteration: `answers` of them, each `group` times in a row; in each epoch all prompts, in an order of its own.
std::vector<int> prompts_of_iteration(int64_t iteration, int64_t answers, int64_t group, int64_t prompts,
                                      uint64_t seed);

// Answers to those prompts: each rank of dp generates its part, and every rank has all.
std::vector<Rollout> roll_out_on_ranks(Generator&, const PolicyPrompts&, const std::vector<int>& chosen,
                                       const RolloutOptions&, const Comm& dp);

// The mean scores, lengths and ends of an iteration as a line of samples.jsonl shows them.
void write_samples(JsonLines&, int64_t step, const PolicyPrompts&, const std::vector<int>& chosen,
                   const std::vector<Rollout>&, const std::vector<double>& scores, const ChatEncoder&);

// Shared updates: the trainer's schedule in updates of `per_step` a step.
UpdateConfig in_updates(const UpdateConfig&, int64_t per_step);

}  // namespace gradus
