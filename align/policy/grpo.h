#pragma once
// Policy optimisation from groups of answers to the same prompt, without a value model: GRPO, Dr. GRPO, RLOO, DAPO and plain
// REINFORCE differ in the advantage of an answer in its group (align/advantages/group.h), in the objective, in the normaliser and in
// the KL term (align/policy/policy_update.h). Sources: Shao et al. 2024; Ahmadian et al. 2024; Liu et al. 2025; Yu et al. 2025.
#include <optional>

#include "align/advantages/group.h"
#include "align/policy/policy_update.h"
#include "align/rollouts/rollout.h"

namespace gradus {

struct GrpoConfig {
    PolicyConfig policy;  // its kl_beta: weight of the divergence from the reference
    GroupAdvantage advantage = GroupAdvantage::grpo;
    int group = 8;  // answers to a prompt
};

struct GrpoStats {
    PolicyStats policy;
    GroupSums groups;
    double score = 0;              // mean over the answers that have one
    double kl = 0, entropy = 0;    // nats per answer against the reference; nats per token
    double length = 0, ended = 0;  // tokens; share of answers
};

class GrpoTrainer {
public:
    // `reference` may be null: no KL term, and none is reported.
    GrpoTrainer(LanguageModel& policy, LanguageModel* reference, const GrpoConfig&, const Mesh& = {});

    // An iteration's updates from answers, those of a prompt one after the other, and their scores; 0 in `scored`: that answer has
    // none, and neither teaches nor counts. Every rank has them all.
    GrpoStats learn(int64_t iteration, const std::vector<Rollout>& answers, const std::vector<double>& scores,
                    const std::vector<uint8_t>& scored, const PolicyUpdate::Addition& = {});

    PolicyUpdate& policy() { return policy_; }

private:
    GrpoConfig config_;
    PolicyUpdate policy_;
    std::optional<LanguagePass> reference_;
};

}  // namespace gradus
