#pragma once
// Tiny trainers with answers, rankings and pairs to train on: for the tests of align/'s trainers, on one rank or more.
#include "align/policy/grpo.h"
#include "align/policy/ppo.h"
#include "align/preference/kto_trainer.h"
#include "align/preference/preference_trainer.h"
#include "align/reward/reward_trainer.h"
#include "engine/initialise.h"
#include "tests/align/models.h"

namespace gradus::test {

// Where a model computes, and in which micro-batches.
struct Place {
    const Ops& ops = reference_ops();
    DType dtype = DType::f64;
    BatchShape shape = {2, 11};
    Mesh mesh = {};

    Mode mode() const { return {.training = true, .parts = mesh.dp.size}; }
    std::unique_ptr<LanguageModel> language(const ModelConfig& m, uint64_t seed = 2) const {
        auto model = make_language_model(ops, m, dtype, shape, mode(), mesh.tp);
        initialise(*model, seed);
        return model;
    }
    std::unique_ptr<ScoreModel> score(const ModelConfig& m, uint64_t seed = 3) const {
        auto model = std::make_unique<ScoreModel>(ops, m, dtype, shape, mode(), mesh.tp);
        initialise(model->parameters, m, seed);
        return model;
    }
};

// Initial weights of this size make every probability differ.
inline ModelConfig lively(ModelConfig m) {
    m.init_std = 0.3;
    return m;
}

inline UpdateConfig constant_rate(double lr) {
    UpdateConfig u;
    u.schedule = {.decay = Decay::constant, .lr = lr};
    u.optimizer.eps = 1e-5;
    u.stability.sigma = 0;
    return u;
}

inline std::vector<Sequence> texts_of(const Sequences& all) {
    std::vector<Sequence> texts;
    for (size_t s = 0; s < size_t(all.count()); ++s) {
        const auto first = all.first[s], last = first + all.lengths[s];
        texts.push_back({{all.ids.begin() + first, all.ids.begin() + last},
                         {all.learnt.begin() + first, all.learnt.begin() + last}});
    }
    return texts;
}

inline std::vector<Rollout> random_answers(int count, int V, int longest, uint64_t seed = 1) {
    std::vector<Rollout> answers;
    for (const Sequence& text : texts_of(random_sequences(count, V, longest, seed))) {
        const int prompt = int(std::count(text.learnt.begin(), text.learnt.end(), 0));
        answers.push_back({.text = text, .prompt_length = prompt, .ended = text.ids.back() % 3 > 0});
    }
    return answers;
}

inline std::vector<double> random_numbers(size_t count, uint64_t seed, double scale = 1) {
    std::vector<double> x(count);
    for (size_t i = 0; i < count; ++i) x[i] = scale * Philox{key_of(seed, 77)}.normal(i);
    return x;
}

// Two to four answers to each prompt, one pair of which may be a tie; some of two answers have a soft label.
inline std::vector<RankedAnswers> random_rankings(int count, int V, int longest, uint64_t seed = 1) {
    std::vector<RankedAnswers> all;
    for (int p = 0; p < count; ++p) {
        const int K = 2 + p % 3;
        RankedAnswers r{.texts = texts_of(random_sequences(K, V, longest, key_of(seed, uint64_t(p))))};
        for (int k = 0; k < K; ++k) r.ranks.push_back(p % 5 == 4 && k == K - 1 ? K - 1 : k + 1);
        if (K == 2 && p % 2 == 1) r.probability = 0.2 + 0.1 * (p % 7);
        all.push_back(std::move(r));
    }
    return all;
}

// A third of them with a soft label.
inline std::vector<PreferenceExample> random_pairs(int count, int V, int longest, uint64_t seed = 1) {
    const auto texts = texts_of(random_sequences(2 * count, V, longest, seed));
    std::vector<PreferenceExample> all;
    for (size_t p = 0; p < size_t(count); ++p)
        all.push_back({.chosen = texts[2 * p],
                       .rejected = texts[2 * p + 1],
                       .reference_chosen = -3 - double(p % 4),
                       .reference_rejected = -4 + double(p % 3),
                       .probability = p % 3 == 1 ? 0.8 : 1});
    return all;
}

// Answers with labels, one of which has no mismatched text. The references are low, so that z0 is above 0.
inline std::vector<LabelledExample> random_labels(int count, int V, int longest, uint64_t seed = 1) {
    const auto texts = texts_of(random_sequences(2 * count, V, longest, seed));
    std::vector<LabelledExample> all;
    for (size_t i = 0; i < size_t(count); ++i)
        all.push_back({.text = texts[2 * i],
                       .mismatched = i == 2 ? Sequence{} : texts[2 * i + 1],
                       .desirable = i % 3 != 1,
                       .reference = -20 - double(i % 4),
                       .reference_mismatched = -40 + double(i % 3)});
    return all;
}

// What PPO computes before its updates, of random numbers: ratios are near 1 and not 1.
inline Experience random_experience(PolicyUpdate& policy, int count, int V, int longest, uint64_t seed = 1) {
    Experience e;
    e.texts = random_sequences(count, V, longest, seed);
    const size_t rows = size_t(e.texts.rows());
    e.old_log_probs = policy.old_log_probs(e.texts, 0);
    e.reference = e.old_log_probs;
    const auto noise = random_numbers(rows, seed + 1, 0.1), away = random_numbers(rows, seed + 2, 0.3);
    for (size_t n = 0; n < rows; ++n)
        if (e.texts.learnt[n]) {
            e.old_log_probs[n] += noise[n];
            e.reference[n] += away[n];
        }
    e.advantages = random_numbers(rows, seed + 3);
    e.old_values = random_numbers(rows, seed + 4, 0.3);
    e.returns = random_numbers(rows, seed + 5);
    return e;
}

inline std::vector<double> gradients_of(const Parameters& p) { return read(p.runtime.ops, p.grads.flat()); }
inline std::vector<double> weights_of(const Parameters& p) { return read(p.runtime.ops, p.values.flat()); }

}  // namespace gradus::test
