#include "align/policy/grpo.h"

#include <algorithm>

#include "align/advantages/scores.h"

namespace gradus {

GrpoTrainer::GrpoTrainer(LanguageModel& policy, LanguageModel* reference, const GrpoConfig& c, const Mesh& mesh)
    : config_(c), policy_(policy, c.policy, mesh) {
    if (reference) reference_.emplace(*reference, c.policy.temperature);
}

GrpoStats GrpoTrainer::learn(int64_t iteration, const std::vector<Rollout>& answers, const std::vector<double>& scores,
                             const std::vector<uint8_t>& scored, const PolicyUpdate::Addition& addition) {
    require_finite(scores, scored);
    GrpoStats stats;
    std::vector<double> of_answers(answers.size());
    stats.groups = group_advantages(config_.advantage, scores, scored, config_.group, of_answers);
    Experience e;
    const double per_answer = 1 / double(answers.size());
    double count = 0;
    for (size_t i = 0; i < answers.size(); ++i) {
        Sequence text = answers[i].text;
        if (!scored[i]) std::fill(text.learnt.begin(), text.learnt.end(), uint8_t(0));
        e.texts.add(text);
        e.advantages.insert(e.advantages.end(), text.ids.size(), of_answers[i]);
        stats.length += per_answer * answers[i].answer_length();
        stats.ended += per_answer * answers[i].ended;
        if (scored[i]) stats.score += scores[i];
        count += scored[i];
    }
    stats.score /= std::max(count, 1.0);

    e.old_log_probs = policy_.old_log_probs(e.texts, iteration);
    if (reference_) e.reference = policy_.log_probs(*reference_, e.texts, iteration);
    double tokens = 0;
    for (size_t n = 0; n < e.old_log_probs.size(); ++n) {
        if (!e.texts.learnt[n]) continue;
        tokens += 1;
        stats.entropy -= e.old_log_probs[n];
        if (reference_) stats.kl += (e.old_log_probs[n] - e.reference[n]) / std::max(count, 1.0);
    }
    stats.entropy /= std::max(tokens, 1.0);
    stats.policy = policy_.run(e, iteration, addition);
    return stats;
}

}  // namespace gradus
