#include "tests/align/experiments/sentiment_stages.h"

#include <algorithm>
#include <cmath>

#include "align/statistics/best_of.h"
#include "align/statistics/running.h"
#include "engine/base/philox.h"

namespace gradus::experiments {

namespace {

constexpr int reward_batch = 16, judged_prompts = 512, held_out = 300;

std::vector<Sequence> texts_of(const std::vector<Rollout>& answers) {
    std::vector<Sequence> all;
    for (const Rollout& r : answers) all.push_back(r.text);
    return all;
}

}  // namespace

SentimentStages::SentimentStages(const SentimentSettings& s) : settings_(s), tuned_(policy(size_, true)) {
    initialise(*tuned_, s.seed);
}

double SentimentStages::fine_tune() {
    const uint64_t seed = key_of(settings_.seed, 1);
    return experiments::fine_tune(*tuned_, adam(1e-3, Decay::linear, settings_.sft_steps, 1e-8, 20),
                                  settings_.sft_steps, size_.train.B,
                                  [&](int64_t sample) { return demonstration(seed, sample); });
}

std::vector<Rollout> SentimentStages::answers(LanguageModel& model, int prompts, int each, uint64_t seed) const {
    Generator generator(model, {.sequences = 128, .rows = 512});
    std::vector<std::vector<int32_t>> all;
    for (int p = 0; p < prompts; ++p)
        for (int a = 0; a < each; ++a) all.push_back(sentiment_prompt(p % topics));
    return roll_out(generator, all,
                    {.max_tokens = longest_answer, .seed = key_of(settings_.seed, seed), .ends = {eos}});
}

std::vector<double> SentimentStages::scores(const std::vector<Rollout>& answers) const {
    ScorePass pass(*reward_);
    return scores_of(pass, texts_of(answers), {});
}

// The last of them are held out.
void SentimentStages::rank(const std::vector<std::vector<Rollout>>& of_prompts) {
    const uint64_t round = held_out_.size();
    held_out_.emplace_back();
    for (size_t p = 0; p < of_prompts.size(); ++p) {
        const std::vector<int> ranks = rank_by_noisy_utility(of_prompts[p], key_of(settings_.seed, 3 + 100 * round, p));
        if (p < size_t(settings_.ranked_prompts))
            rankings_.push_back({.texts = texts_of(of_prompts[p]), .ranks = ranks});
        else held_out_.back().push_back({of_prompts[p], ranks});
    }
}

void SentimentStages::collect() {
    const int K = settings_.answers, prompts = settings_.ranked_prompts + held_out;
    const auto all = answers(*tuned_, prompts, K, 2);
    std::vector<std::vector<Rollout>> of_prompts;
    for (int p = 0; p < prompts; ++p)
        of_prompts.emplace_back(all.begin() + int64_t(p) * K, all.begin() + int64_t(p + 1) * K);
    rank(of_prompts);
}

void SentimentStages::collect_with(LanguageModel& other) {
    const uint64_t round = held_out_.size();
    const int prompts = settings_.ranked_prompts + held_out;
    const auto new_ones = answers(other, prompts, 2, 20 + round), old_ones = answers(*tuned_, prompts, 2, 30 + round);
    std::vector<std::vector<Rollout>> of_prompts;
    for (size_t p = 0; p < size_t(prompts); ++p)
        of_prompts.push_back({new_ones[2 * p], new_ones[2 * p + 1], old_ones[2 * p], old_ones[2 * p + 1]});
    rank(of_prompts);
}

SentimentStages::Accuracies SentimentStages::accuracies(int round) const {
    Accuracy of_ranks, of_truth, of_rater;
    for (const HeldOut& h : held_out_.at(size_t(round))) {
        const std::vector<double> s = scores(h.answers);
        for (size_t i = 0; i < s.size(); ++i)
            for (size_t j = 0; j < i; ++j) {
                const double gold = utility_of(h.answers[i]).gold - utility_of(h.answers[j]).gold;
                const double said = h.ranks[i] < h.ranks[j] ? 1 : -1;
                of_ranks.add(said * (s[i] - s[j]));
                if (gold != 0) of_truth.add((s[i] - s[j]) * gold);
                if (gold != 0) of_rater.add(said * gold);
            }
    }
    return {.noisy = of_ranks.share(), .truth = of_truth.share(), .ceiling = of_rater.share()};
}

double SentimentStages::learn_reward() {
    reward_ = scorer(size_, true);
    initialise(reward_->parameters, config_of(size_), key_of(settings_.seed, 4));
    copy_values(reward_->parameters, tuned_->parameters);
    const double before = accuracies(0).noisy;
    const int steps = int(rankings_.size()) / reward_batch;
    RewardTrainer trainer(*reward_, {adam(5e-4, Decay::linear, steps)});
    int64_t step = 0;
    for (const auto& minibatch : minibatches(int(rankings_.size()), steps, settings_.seed, 0)) {
        std::vector<RankedAnswers> batch;
        for (const int r : minibatch) batch.push_back(rankings_[size_t(r)]);
        trainer.step(step++, batch);
    }

    Running of_tuned;
    for (const double s : scores(answers(*tuned_, judged_prompts, 1, 5))) of_tuned.add(s);
    score_ = {.mean = of_tuned.mean, .sd = of_tuned.sd(), .missing_end = 1};
    return before;
}

Judged SentimentStages::judge(LanguageModel& model) {
    Judged j;
    const auto all = answers(model, judged_prompts, 1, 6);
    const double each = 1.0 / judged_prompts;
    for (const Rollout& r : all) {
        const Utility u = utility_of(r);
        j.gold += each * u.gold;
        j.positives += each * u.positives;
        j.negatives += each * u.negatives;
        j.violations += each * u.violations;
        j.ended += each * u.ended;
        j.length += each * r.answer_length();
    }
    if (reward_)
        for (const double s : scores(all)) j.proxy += each * (s - score_.mean) / score_.sd;
    const Sequences texts = joined(texts_of(all));
    LanguagePass own(model), reference(*tuned_);
    const auto batches = pack(texts, size_.train.B, size_.train.T);
    const auto of_model = own.log_probs(batches, texts), of_reference = reference.log_probs(batches, texts);
    double tokens = 0;
    for (size_t n = 0; n < of_model.size(); ++n) {
        j.kl += each * (of_model[n] - of_reference[n]);
        j.entropy -= of_model[n];
        tokens += texts.learnt[n];
    }
    j.entropy /= tokens;
    return j;
}

std::unique_ptr<LanguageModel> SentimentStages::ppo(const SentimentSettings& s, const Watch& watch) {
    auto model = policy(size_, true);
    const auto value = scorer(size_, true);
    copy_values(model->parameters, tuned_->parameters);
    copy_values(value->parameters, reward_->parameters);
    PpoConfig c;
    const int64_t updates = int64_t(s.ppo_iterations) * 4;
    static_cast<UpdateConfig&>(c.policy) = adam(3e-4, Decay::linear, updates);
    static_cast<UpdateConfig&>(c.value) = adam(3e-4, Decay::linear, updates);
    c.policy.epochs = c.value.epochs = 4;
    c.policy.seed = c.value.seed = s.seed;
    c.kl = {.beta = s.beta, .target = s.kl_target, .horizon = 10.0 * s.ppo_batch};
    c.score = score_;
    PpoTrainer trainer(*model, *value, *tuned_, c);
    Generator generator(*model, {.sequences = s.ppo_batch, .rows = 4 * s.ppo_batch});
    for (int iteration = 0; iteration < s.ppo_iterations; ++iteration) {
        const auto all =
            roll_out(generator, sentiment_prompts(s.ppo_batch),
                     {.max_tokens = longest_answer, .seed = key_of(s.seed, 7, uint64_t(iteration)), .ends = {eos}});
        const PpoStats stats = trainer.learn(iteration, all, scores(all));
        if (watch) watch(iteration, stats, *model);
    }
    return model;
}

std::unique_ptr<LanguageModel> SentimentStages::dpo(double beta, double lr, int epochs) {
    std::vector<PreferenceExample> pairs;
    for (const RankedAnswers& r : rankings_) {
        const auto best = std::min_element(r.ranks.begin(), r.ranks.end()) - r.ranks.begin();
        const auto worst = std::max_element(r.ranks.begin(), r.ranks.end()) - r.ranks.begin();
        pairs.push_back({.chosen = r.texts[size_t(best)], .rejected = r.texts[size_t(worst)]});
    }
    auto model = policy(size_, true);
    copy_values(model->parameters, tuned_->parameters);
    LanguagePass reference(*tuned_);
    add_reference(reference, pairs, {});
    constexpr int batch = 64;
    const int64_t per_epoch = int64_t(pairs.size()) / batch, steps = per_epoch * epochs;
    PreferenceTrainer trainer(*model, {adam(lr, Decay::linear, steps), {.beta = beta}});
    for (int64_t step = 0; step < steps; ++step) {
        const auto first = pairs.begin() + step % per_epoch * batch;
        trainer.step(step, {first, first + batch});
    }
    return model;
}

std::vector<double> SentimentStages::best_of(const std::vector<int>& counts) {
    const int N = *std::max_element(counts.begin(), counts.end());
    constexpr int prompts = 64;
    const auto all = answers(*tuned_, prompts, N, 8);
    const std::vector<double> scored = scores(all);
    std::vector<double> curve(counts.size(), 0.0);
    for (int p = 0; p < prompts; ++p) {
        std::vector<double> s(scored.begin() + int64_t(p) * N, scored.begin() + int64_t(p + 1) * N), gold;
        for (int a = 0; a < N; ++a) gold.push_back(utility_of(all[size_t(p * N + a)]).gold);
        const std::vector<double> of_prompt = best_of_curve(s, gold);
        for (size_t i = 0; i < counts.size(); ++i) curve[i] += of_prompt[size_t(counts[i]) - 1] / prompts;
    }
    return curve;
}

}  // namespace gradus::experiments
