#pragma once
// Fine-tuning on the demonstrations of addition.h, and reinforcement learning from whether answers are right.
#include <functional>
#include <memory>

#include "align/policy/grpo.h"
#include "tests/align/experiments/addition.h"
#include "tests/align/experiments/policy_models.h"

namespace gradus::experiments {

struct AdditionSettings {
    uint64_t seed = 1;
    int64_t sft_steps = 1000;
    double sft_lr = 8e-3;
    int rl_steps = 150, prompts = 16, group = 16;
    GroupAdvantage advantage = GroupAdvantage::grpo;
    double beta = 0;  // of KL to the fine-tuned policy, as a loss
    int epochs = 2;
    double lr = 3e-4;
};

struct Marks {  // on held-out sums
    double pass_at_1 = 0, pass_at_8 = 0, greedy = 0, entropy = 0, kl = 0;
};

class AdditionStages {
public:
    explicit AdditionStages(const AdditionSettings&);

    double fine_tune();  // → the policy that everything starts from; its loss
    // From the fine-tuned policy; `watch` sees every step.
    using Watch = std::function<void(int step, const GrpoStats&, LanguageModel& policy)>;
    std::unique_ptr<LanguageModel> grpo(const AdditionSettings&, const Watch& watch = {});
    Marks marks(LanguageModel&);
    LanguageModel& tuned() { return *tuned_; }

private:
    std::vector<Rollout> answers(LanguageModel&, const std::vector<Sum>&, int each, uint64_t seed, double temperature);

    AdditionSettings settings_;
    Size size_ = {.V = 16, .context = 16, .train = {128, 11}};
    std::vector<Sum> training_ = sums(false), held_out_ = sums(true);
    std::unique_ptr<LanguageModel> tuned_;
};

}  // namespace gradus::experiments
