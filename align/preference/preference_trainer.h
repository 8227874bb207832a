#pragma once
// Training steps of a policy on preferred answers against rejected ones, without a reward model: DPO and its relatives
// (align/losses/preference.h).
//
// The reference's log-probabilities never change, so they are computed once, before the first step, and need no second model
// while training runs. The two answers of a pair share a micro-batch: one forward and one backward pass a step.
#include "align/batches/language_pass.h"
#include "align/losses/preference.h"
#include "align/statistics/accuracy.h"
#include "engine/gradient_step.h"

namespace gradus {

// Both with their prompt; learnt: the answer. The reference's Σ log p of each answer.
struct PreferenceExample {
    Sequence chosen, rejected;
    double reference_chosen = 0, reference_rejected = 0;
    double probability = 1;  // that the chosen answer is the better one; ½: the pair is in no accuracy
};

struct PreferenceTrainerConfig : UpdateConfig {
    PreferenceConfig loss;
};

class PreferenceTrainer {
public:
    PreferenceTrainer(LanguageModel&, const PreferenceTrainerConfig&, const Mesh& = {});

    struct Result : StepResult {
        Accuracy accuracy;                                  // of the implicit rewards, before the update
        double chosen_reward = 0, rejected_reward = 0;      // means
        double chosen_log_prob = 0, rejected_log_prob = 0;  // nats per token; both normally fall
    };
    // A step on the whole batch, which every rank is given; each rank of dp computes its part. Loss per pair.
    Result step(int64_t step, const std::vector<PreferenceExample>& batch);

    // Loss and accuracy of pairs that are held out, the same on every rank.
    struct Held {
        double loss = 0;  // summed over the pairs
        Accuracy accuracy;
    };
    Held judge(const std::vector<PreferenceExample>&);

    GradientStep& gradient_step() { return step_; }
    LanguageModel& model() { return pass_.model(); }

private:
    LanguagePass pass_;
    PreferenceTrainerConfig config_;
    GradientStep step_;
};

// Fills the reference's sums from a model, shared out over the ranks of dp.
void add_reference(LanguagePass& reference, std::vector<PreferenceExample>&, const Comm& dp);

}  // namespace gradus
