#pragma once
// The stages of alignment on the language of sentiment.h, each from the one before. One seed gives one set of numbers.
#include <memory>
#include <optional>

#include "align/policy/ppo.h"
#include "align/preference/preference_trainer.h"
#include "tests/align/experiments/policy_models.h"
#include "tests/align/experiments/sentiment.h"

namespace gradus::experiments {

struct SentimentSettings {
    uint64_t seed = 1;
    int64_t sft_steps = 600;
    int ranked_prompts = 3000, answers = 4;
    int ppo_iterations = 100, ppo_batch = 128;
    double beta = 0.1;
    double kl_target = 0;  // nats per answer, which β follows; 0: β is fixed
};

// What a policy does on 512 prompts, and how its answers are judged.
struct Judged {
    double gold = 0, proxy = 0, kl = 0, ended = 0, length = 0;
    double positives = 0, negatives = 0, violations = 0, entropy = 0;
};

class SentimentStages {
public:
    explicit SentimentStages(const SentimentSettings&);

    double fine_tune();  // → the policy that everything starts from; its loss
    void collect();      // rankings of its answers
    // As many rankings again, in which two answers of another policy stand beside two of the fine-tuned one.
    void collect_with(LanguageModel&);
    double
    learn_reward();  // from all rankings so far, starting with the fine-tuned policy; accuracy before, on held-out rankings
    struct Accuracies {
        double noisy = 0, truth = 0,
               ceiling = 0;  // of the reward model on rankings and on true preferences; the rater's on these
    };
    Accuracies accuracies(int round) const;  // on the held-out rankings of that collection, from 0
    Judged judge(LanguageModel&);            // against the reward model and the fine-tuned policy

    // Each begins with the fine-tuned policy. `watch` sees every iteration.
    using Watch = std::function<void(int iteration, const PpoStats&, LanguageModel& policy)>;
    std::unique_ptr<LanguageModel> ppo(const SentimentSettings&, const Watch& watch = {});
    std::unique_ptr<LanguageModel> dpo(double beta, double lr, int epochs);
    // Mean utility of the answer that the reward model chooses among n, for each n.
    std::vector<double> best_of(const std::vector<int>& n);

    LanguageModel& tuned() { return *tuned_; }
    double score_mean() const { return score_.mean; }

private:
    std::vector<Rollout> answers(LanguageModel&, int prompts, int each, uint64_t seed) const;
    std::vector<double> scores(const std::vector<Rollout>&) const;
    void rank(const std::vector<std::vector<Rollout>>& of_prompts);

    SentimentSettings settings_;
    Size size_;
    std::unique_ptr<LanguageModel> tuned_;
    std::unique_ptr<ScoreModel> reward_;
    std::vector<RankedAnswers> rankings_;
    struct HeldOut {
        std::vector<Rollout> answers;
        std::vector<int> ranks;
    };
    std::vector<std::vector<HeldOut>> held_out_;  // of each round
    ScoreShape score_;
};

}  // namespace gradus::experiments
