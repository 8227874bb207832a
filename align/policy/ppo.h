#pragma once
// Proximal policy optimisation of answers, as InstructGPT does it. One iteration:
//
//   1  the policy answers prompts                                              align/rollouts/rollout.h
//   2  log-probabilities under policy and reference, values, scores            one forward pass each
//   3  scores normalised, clipped; a penalty for an answer without an end      align/advantages/scores.h
//   4  reward of each token: −β·(ℓ − ℓ_ref), and on the last one the score     align/advantages/token_rewards.h
//   5  advantages and returns, whitened over all answers                       align/advantages/gae.h, whitening.h
//   6  epochs of minibatches for the policy, then for the value model          align/policy/policy_update.h, value_update.h
//   7  β follows the divergence, where it has a target                         align/advantages/adaptive_kl.h
//
// Every rank has the answers of all, so that 3 to 5 and 7 are the same on all of them without a sum. Sources: Ziegler et al. 2019;
// Stiennon et al. 2020; Ouyang et al. 2022; Huang et al. 2024 (the details).
#include "align/advantages/adaptive_kl.h"
#include "align/advantages/scores.h"
#include "align/policy/policy_update.h"
#include "align/policy/value_update.h"
#include "align/rollouts/rollout.h"

namespace gradus {

struct PpoConfig {
    PolicyConfig policy;
    ValueConfig value;
    AdaptiveKl kl;
    ScoreShape score;
    double gamma = 1, lambda = 0.95;
    bool whiten_rewards = false, whiten_advantages = true;
};

struct PpoStats {
    PolicyStats policy;
    ValueStats value;
    double score = 0, shaped_score = 0, reward = 0;  // means over answers; reward: shaped score less the KL penalty
    double kl = 0, beta = 0;                         // nats per answer against the reference; the weight it had
    double entropy = 0;                              // nats per token: the mean of −ℓ
    double length = 0, ended = 0;                    // tokens; share of answers
};

class PpoTrainer {
public:
    // The reference is not trained; its B and T are the policy's.
    PpoTrainer(LanguageModel& policy, ScoreModel& value, LanguageModel& reference, const PpoConfig&, const Mesh& = {});

    // Steps 2 to 7, for answers and their scores, which every rank has. `iteration` counts from 0.
    PpoStats learn(int64_t iteration, const std::vector<Rollout>& answers, const std::vector<double>& scores,
                   const PolicyUpdate::Addition& = {});

    PolicyUpdate& policy() { return policy_; }
    ValueUpdate& value() { return value_; }
    AdaptiveKl& kl() { return config_.kl; }

private:
    PpoConfig config_;
    PolicyUpdate policy_;
    ValueUpdate value_;
    LanguagePass reference_;
};

}  // namespace gradus
