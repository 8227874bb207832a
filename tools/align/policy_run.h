#pragma once
// What gradus ppo and gradus grpo have in common: prompts, rollouts on all ranks, and scores.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "align/advantages/scores.h"
#include "align/policy/policy_update.h"
#include "align/reward/reward_trainer.h"
#include "align/rollouts/rollout.h"
#include "tools/align/aligned_run.h"
#include "tools/align/answer_scores.h"

namespace gradus {

struct PolicyPrompts {
    std::vector<std::vector<int32_t>> ids;
    std::vector<Conversation> texts;
    std::vector<std::string> references;  // right answers, if the data has them
    std::string hash;                     // of the files
};
PolicyPrompts read_prompts(AlignedRun&);

// The prompts at the places [first, first + wanted) of a run, each `group` times in a row; in each epoch all prompts, in an order of
// its own.
std::vector<int> prompts_at(int64_t first, int64_t wanted, int64_t group, int64_t prompts, uint64_t seed);

// Answers to those prompts: each rank of dp generates its part, and every rank has all.
std::vector<Rollout> roll_out_on_ranks(Generator&, const PolicyPrompts&, const std::vector<int>& chosen,
                                       const RolloutOptions&, const Comm& dp);

// The prompts and answers of each iteration: a pure function of its number and the policy's weights.
class PolicyRollouts {
public:
    // `group`: answers to a prompt. The settings are complete (AlignedRun::resolve).
    PolicyRollouts(const AlignedRun&, const PolicyPrompts&, LanguageModel& policy, int64_t group);

    std::vector<int> chosen_in(int64_t iteration) const;
    std::vector<int> chosen_at(int64_t first_prompt, int64_t prompts) const;
    // `before`: answers that were sampled in this iteration, so that no two draw by the same random numbers.
    std::vector<Rollout> answers_to(const std::vector<int>& chosen, int64_t iteration, int64_t before = 0);

private:
    const AlignedRun& run_;
    const PolicyPrompts& prompts_;
    const RolloutSettings& settings_;
    int64_t group_;
    Generator generator_;
};

// The scores of answers to those prompts; every rank calls it and gets the same.
using Reward = std::function<AnswerScores(const std::vector<int>& chosen, const std::vector<Rollout>& answers)>;

// A reward model: its folder, checked (it has a head of one number, and the policy's tokenizer and size), and its scores.
LockedFolder open_reward_model(const AlignedRun&, const MpiWorld&, const std::string& named);
Reward reward_by_model(const AlignedRun&, const fs::path& folder);

// A number of a checkpoint's `stage` (engine/checkpoint/manifest.h); `otherwise` where it has none.
double remembered(const std::string& stage, const char* key, double otherwise);

// How scores become rewards: in units of the spread that the scores of the first policy have; those of iteration 0 or, in a resumed
// run, the numbers in its checkpoint.
ScoreShape shape_of_scores(const AlignedRun&, const std::function<AnswerScores()>& of_first_policy);

// The first answers of each iteration as lines of RUN/samples.jsonl; on rank 0.
class PolicySamples {
public:
    PolicySamples(const AlignedRun&, const PolicyPrompts&);

    void write(int64_t iteration, const std::vector<int>& chosen, const std::vector<Rollout>&, const AnswerScores&);
    // Lets the loop sync the file and drop the lines of undone steps.
    void add_hooks(LoopHooks&);

private:
    const AlignedRun& run_;
    const PolicyPrompts& prompts_;
    std::optional<JsonLines> file_;  // opened by the first write, when the run has its folder
};

// An iteration as a step of the loop, and its numbers in the log that ppo and grpo share. `length`: mean of an answer.
StepResult step_of(int64_t iteration, const PolicyStats&, double length, int64_t answers);
void record_policy(nlohmann::ordered_json& line, const PolicyStats&);

// What a person should know of an iteration: updates that were skipped, or a divergence that cannot be one. One text each.
// `kl`: nats per answer from the reference, by samples of the policy.
std::vector<std::string> warnings_of(int64_t iteration, const PolicyStats&, double kl);

// The schedule of a run in updates instead of steps, `per_step` updates each.
UpdateConfig in_updates(const UpdateConfig&, int64_t per_step);

}  // namespace gradus
