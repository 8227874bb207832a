#include "align/policy/ppo.h"

#include "align/advantages/gae.h"
#include "align/advantages/token_rewards.h"
#include "align/advantages/whitening.h"

namespace gradus {

PpoTrainer::PpoTrainer(LanguageModel& policy, ScoreModel& value, LanguageModel& reference, const PpoConfig& c,
                       const Mesh& mesh)
    : config_(c),
      policy_(policy, c.policy, mesh),
      value_(value, c.value, mesh),
      reference_(reference, c.policy.temperature) {}

PpoStats PpoTrainer::learn(int64_t iteration, const std::vector<Rollout>& answers, const std::vector<double>& scores,
                           const PolicyUpdate::Addition& addition) {
    CHECK(answers.size() == scores.size(), "every answer has a score");
    require_finite(scores, std::vector<uint8_t>(scores.size(), 1));
    PpoStats stats;
    Experience e;
    std::vector<double> shaped;
    const double per_answer = 1 / double(answers.size());
    for (size_t i = 0; i < answers.size(); ++i) {
        e.texts.add(answers[i].text);
        shaped.push_back(shaped_score(config_.score, scores[i], answers[i].ended));
        stats.score += per_answer * scores[i];
        stats.shaped_score += per_answer * shaped.back();
        stats.length += per_answer * answers[i].answer_length();
        stats.ended += per_answer * answers[i].ended;
    }
    const std::vector<uint8_t>& learnt = e.texts.learnt;

    /*2*/ e.old_log_probs = policy_.old_log_probs(e.texts, iteration);
    e.reference = policy_.log_probs(reference_, e.texts, iteration);
    e.old_values = value_.values(e.texts, iteration);

    /*4*/ std::vector<double> rewards = e.texts.zeros();
    stats.beta = config_.kl.beta;
    const TokenRewardSums sums = token_rewards({.log_probs = e.old_log_probs,
                                                .reference = e.reference,
                                                .learnt = learnt,
                                                .lengths = e.texts.lengths,
                                                .scores = shaped},
                                               stats.beta, rewards);
    stats.kl = sums.kl * per_answer;
    stats.reward = stats.shaped_score - sums.penalty * per_answer;
    for (size_t n = 0; n < learnt.size(); ++n)
        if (learnt[n]) stats.entropy -= e.old_log_probs[n] / sums.tokens;

    /*5*/ const auto moments_of = [&](const std::vector<double>& rows) {
        Moments m;
        m.add(rows, learnt);
        return m;
    };
    if (config_.whiten_rewards) whiten(rewards, learnt, moments_of(rewards), false);
    e.advantages = e.texts.zeros();
    e.returns = e.texts.zeros();
    generalised_advantages({.rewards = rewards, .values = e.old_values, .learnt = learnt, .lengths = e.texts.lengths},
                           config_.gamma, config_.lambda, e.advantages, e.returns);
    if (config_.whiten_advantages) whiten(e.advantages, learnt, moments_of(e.advantages));

    /*6*/ stats.policy = policy_.run(e, iteration, addition);
    stats.value = value_.run(e, iteration);
    /*7*/ config_.kl.update(stats.kl, int64_t(answers.size()));
    return stats;
}

}  // namespace gradus
