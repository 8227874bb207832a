#pragma once
// Updates of a policy from experience: a few epochs of minibatches with a clipped objective. PPO and the GRPO family differ in
// where advantages come from, in the objective and in what its sum is divided by; the update is this one.
//
// Before the first update of an iteration the ratio π/π_old is exactly 1: the log-probabilities of the experience come from the
// same micro-batches, by the same kernels (old_log_probs()).
#include <functional>

#include "align/advantages/normaliser.h"
#include "align/batches/language_pass.h"
#include "align/losses/kl.h"
#include "align/losses/policy.h"
#include "align/policy/experience.h"
#include "align/policy/minibatches.h"
#include "engine/gradient_step.h"

namespace gradus {

enum class PolicyObjective { ppo, reinforce, cispo, gspo };

struct PolicyConfig : UpdateConfig {
    PolicyObjective objective = PolicyObjective::ppo;
    PolicyClip clip;
    double cap = 5;  // of cispo
    Normaliser normaliser = Normaliser::dapo;
    int64_t longest = 0;  // tokens of an answer, for Normaliser::dr_grpo
    Kl kl = Kl::k3;       // the divergence from the reference as a term of the loss
    double kl_beta = 0;   // its weight; 0: none
    int epochs = 4, minibatches = 1;
    double temperature = 1;
    double target_kl =
        0;  // an epoch is the last one where the policy has moved this far from the old one, by k3; 0: never
    double largest_ratio = 10;  // a minibatch whose mean ratio is above it is skipped; 0: never
    uint64_t seed = 1;
};

struct PolicyStats {
    double loss = 0, kl_loss = 0, grad_norm = 0;  // means over the updates
    RatioSums ratios;                             // of all updates
    double first_ratio_error = 0;                 // largest |r − 1| before the first update
    double updates = 0, skipped = 0;
    bool stopped = false;  // by target_kl
    double lr = 0;
};

class PolicyUpdate {
public:
    PolicyUpdate(LanguageModel&, const PolicyConfig&, const Mesh& = {});

    // Log-probabilities under a model with this one's B and T: the policy itself, before its first update, or the reference. Computed
    // in the micro-batches of the first epoch, each rank its part; every rank has them all.
    std::vector<double> log_probs(LanguagePass&, const Sequences&, int64_t iteration) const;
    std::vector<double> old_log_probs(const Sequences& texts, int64_t iteration) {
        return log_probs(pass_, texts, iteration);
    }

    // Gradients of something else that each update adds (align/policy/pretraining_mix.h): first `scale`, by which losses of the
    // model's own loss_and_backward() are multiplied, then `accumulate`. Updates are counted over the run; after a rollback
    // they go on behind those that led to it, as samples do.
    struct Addition {
        std::function<double(int64_t update)> scale;
        std::function<void(int64_t update)> accumulate;
    };
    PolicyStats run(const Experience&, int64_t iteration, const Addition& = {});

    int64_t updates_per_iteration() const { return int64_t(config_.epochs) * config_.minibatches; }
    GradientStep& gradient_step() { return step_; }
    LanguagePass& pass() { return pass_; }
    const PolicyConfig& config() const { return config_; }

private:
    void update(const Experience&, const std::vector<int>& minibatch, int64_t number, const Addition&, PolicyStats&);
    double loss_of(const Experience&, int sequence, const RowCounts& of_minibatch, const std::vector<double>& log_probs,
                   std::vector<double>& coefficients, PolicyStats&, RatioSums&) const;

    LanguagePass pass_;
    PolicyConfig config_;
    GradientStep step_;
};

// The micro-batches of this rank's part of a minibatch.
std::vector<MicroBatch> own_micro_batches(const Sequences&, const std::vector<int>& minibatch, const Run&,
                                          const Comm& dp);

}  // namespace gradus
