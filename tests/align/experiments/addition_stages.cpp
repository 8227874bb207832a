#include "tests/align/experiments/addition_stages.h"

#include "align/statistics/best_of.h"
#include "engine/base/philox.h"

namespace gradus::experiments {

namespace {

Sum drawn_from(const std::vector<Sum>& all, const Philox& random, int64_t i) {
    return all[size_t(random.uniform(uint64_t(i)) * double(all.size()))];
}

}  // namespace

AdditionStages::AdditionStages(const AdditionSettings& s) : settings_(s), tuned_(policy(size_, true)) {
    initialise(*tuned_, s.seed);
}

double AdditionStages::fine_tune() {
    const Philox random{key_of(settings_.seed, 1)};
    return experiments::fine_tune(*tuned_, adam(settings_.sft_lr, Decay::linear, settings_.sft_steps, 1e-8, 20),
                                  settings_.sft_steps, size_.train.B, [&](int64_t sample) {
                                      return addition_demonstration(drawn_from(training_, random, sample),
                                                                    key_of(settings_.seed, 2, uint64_t(sample)));
                                  });
}

std::vector<Rollout> AdditionStages::answers(LanguageModel& model, const std::vector<Sum>& of, int each, uint64_t seed,
                                             double temperature) {
    Generator generator(model, {.sequences = 256, .rows = 512});
    std::vector<std::vector<int32_t>> prompts;
    for (const Sum& s : of) prompts.insert(prompts.end(), size_t(each), addition_prompt(s));
    return roll_out(generator, prompts,
                    {.max_tokens = addition_answer, .temperature = temperature, .seed = seed, .ends = {addition_end}});
}

std::unique_ptr<LanguageModel> AdditionStages::grpo(const AdditionSettings& s, const Watch& watch) {
    auto model = policy(size_, true);
    copy_values(model->parameters, tuned_->parameters);
    GrpoConfig c{.advantage = s.advantage, .group = s.group};
    static_cast<UpdateConfig&>(c.policy) = adam(s.lr, Decay::linear, int64_t(s.rl_steps) * s.epochs);
    c.policy.epochs = s.epochs;
    c.policy.seed = s.seed;
    c.policy.kl_beta = s.beta;
    c.policy.longest = addition_answer;
    c.policy.normaliser = s.advantage == GroupAdvantage::dr_grpo ? Normaliser::dr_grpo : Normaliser::dapo;
    GrpoTrainer trainer(*model, tuned_.get(), c);
    const Philox random{key_of(s.seed, 3)};
    for (int step = 0; step < s.rl_steps; ++step) {
        std::vector<Sum> of;
        for (int p = 0; p < s.prompts; ++p) of.push_back(drawn_from(training_, random, int64_t(step) * s.prompts + p));
        const auto all = answers(*model, of, s.group, key_of(s.seed, 4, uint64_t(step)), 1);
        std::vector<double> scores;
        for (const Rollout& r : all) scores.push_back(is_right(r));
        const GrpoStats stats = trainer.learn(step, all, scores, std::vector<uint8_t>(all.size(), 1));
        if (watch) watch(step, stats, *model);
    }
    return model;
}

Marks AdditionStages::marks(LanguageModel& model) {
    constexpr int each = 8;
    Marks m;
    const auto sampled = answers(model, held_out_, each, key_of(settings_.seed, 5), 1);
    const double per_sum = 1 / double(held_out_.size());
    for (size_t s = 0; s < held_out_.size(); ++s) {
        int64_t right = 0;
        for (size_t i = 0; i < each; ++i) right += is_right(sampled[each * s + i]) > 0;
        m.pass_at_1 += per_sum * pass_at(1, each, right);
        m.pass_at_8 += per_sum * pass_at(8, each, right);
    }
    for (const Rollout& r : answers(model, held_out_, 1, 0, 0)) m.greedy += per_sum * is_right(r);
    Sequences texts;
    for (const Rollout& r : sampled) texts.add(r.text);
    LanguagePass own(model), reference(*tuned_);
    const auto batches = pack(texts, size_.train.B, size_.train.T);
    const auto of_model = own.log_probs(batches, texts), of_reference = reference.log_probs(batches, texts);
    double tokens = 0;
    for (size_t n = 0; n < of_model.size(); ++n) {
        m.kl += (of_model[n] - of_reference[n]) / double(sampled.size());
        m.entropy -= of_model[n];
        tokens += texts.learnt[n];
    }
    m.entropy /= tokens;
    return m;
}

}  // namespace gradus::experiments
