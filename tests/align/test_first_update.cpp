// Before the first update of an iteration nothing has moved: align/policy.
#include <catch2/catch.hpp>

#include "tests/align/trainers.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int T = 11;

struct Numbers {
    const char* name;
    const Ops& ops;
    DType dtype;
};
std::vector<Numbers> numbers() {
    return {{"f32", cpu_ops(), DType::f32}, {"bf16", cpu_ops(), DType::bf16}, {"f64", reference_ops(), DType::f64}};
}

}  // namespace

TEST_CASE("at the first update of every iteration of PPO each ratio is exactly 1, and at first the KL is exactly 0") {
    for (const Numbers& n : numbers())
        for (int minibatches : {1, 3}) {
            INFO(n.name << ", minibatches " << minibatches);
            const ModelConfig m = lively(tiny_gpt2());
            const Place place{.ops = n.ops, .dtype = n.dtype, .shape = {3, T}};
            const auto policy = place.language(m), reference = place.language(m);
            const auto value = place.score(m);
            PpoConfig c;
            static_cast<UpdateConfig&>(c.policy) = static_cast<UpdateConfig&>(c.value) = constant_rate(1e-2);
            c.policy.epochs = c.value.epochs = 2;
            c.policy.minibatches = c.value.minibatches = minibatches;
            c.policy.temperature = 0.7;
            PpoTrainer trainer(*policy, *value, *reference, c);
            for (int iteration = 0; iteration < 2; ++iteration) {
                const PpoStats s = trainer.learn(iteration, random_answers(16, m.V, T, uint64_t(iteration)),
                                                 random_numbers(16, uint64_t(iteration)));
                REQUIRE(s.policy.first_ratio_error == 0);
                REQUIRE((s.kl == 0) == (iteration == 0));
                REQUIRE(s.policy.updates == 2 * minibatches);
                REQUIRE(s.policy.ratios.largest > 1.01);  // after it they move
                REQUIRE(s.value.updates == 2 * minibatches);
            }
        }
}

TEST_CASE("all minibatches and micro-batches of an epoch have ratios of exactly 1 where no update changes anything") {
    for (const Numbers& n : numbers()) {
        INFO(n.name);
        const ModelConfig m = lively(tiny_llama());
        const Place place{.ops = n.ops, .dtype = n.dtype, .shape = {2, T}};
        const auto policy = place.language(m), reference = place.language(m);
        PolicyConfig c;
        static_cast<UpdateConfig&>(c) = constant_rate(0);
        c.epochs = 1;
        c.minibatches = 3;
        c.kl_beta = 0.1;
        GrpoTrainer trainer(*policy, reference.get(), {.policy = c, .group = 4});
        const GrpoStats s =
            trainer.learn(0, random_answers(28, m.V, T), random_numbers(28, 1), std::vector<uint8_t>(28, 1));
        REQUIRE(s.policy.updates == 3);
        REQUIRE(s.policy.ratios.least == 1);
        REQUIRE(s.policy.ratios.largest == 1);
        REQUIRE(s.policy.ratios.k3() == 0);
        REQUIRE(s.policy.kl_loss == 0);
        REQUIRE(s.kl == 0);
    }
}

TEST_CASE("preference training starts at log 2, and both answers' rewards at 0") {
    const ModelConfig m = lively(tiny_llama());
    const Place place{.ops = cpu_ops(), .dtype = DType::f32, .shape = {2, T}};
    const auto policy = place.language(m), reference = place.language(m);
    auto pairs = random_pairs(9, m.V, T);
    LanguagePass pass(*reference);
    add_reference(pass, pairs, {});
    PreferenceTrainerConfig c;
    static_cast<UpdateConfig&>(c) = constant_rate(1e-2);
    PreferenceTrainer trainer(*policy, c);
    const auto first = trainer.step(0, pairs);
    REQUIRE(first.loss == Approx(std::log(2.0)).margin(1e-6));
    REQUIRE(std::abs(first.chosen_reward) + std::abs(first.rejected_reward) <= 1e-6);
    for (int step = 1; step < 20; ++step) trainer.step(step, pairs);
    const auto later = trainer.step(20, pairs);
    REQUIRE(later.loss < 0.6);
    REQUIRE(later.accuracy.share() > 0.8);
}

TEST_CASE("a soft label weighs the gradients of both orders of its pair, for a policy and for a reward model") {
    const ModelConfig m = lively(tiny_llama());
    const Place place{.shape = {2, T}};
    const auto with = [](auto pairs, double p) {
        for (auto& pair : pairs) pair.probability = p;
        return pairs;
    };
    // The gradient of a step with these labels.
    const auto preferring = [&](double p) {
        const auto policy = place.language(m);
        PreferenceTrainerConfig c;
        static_cast<UpdateConfig&>(c) = constant_rate(0);
        PreferenceTrainer trainer(*policy, c);
        trainer.step(0, with(random_pairs(6, m.V, T), p));
        return gradients_of(policy->parameters);
    };
    const auto rewarding = [&](double p) {
        const auto reward = place.score(m);
        RewardConfig c;
        static_cast<UpdateConfig&>(c) = constant_rate(0);
        RewardTrainer trainer(*reward, c);
        auto rankings = random_rankings(6, m.V, T);
        std::erase_if(rankings, [](const RankedAnswers& r) { return r.texts.size() != 2; });
        REQUIRE(rankings.size() == 2);
        trainer.step(0, with(rankings, p));
        return gradients_of(reward->parameters);
    };
    const auto require_mean = [](const auto& of_label) {
        const std::vector<double> soft = of_label(0.7), first = of_label(1), second = of_label(0);
        double largest = 0;
        for (size_t i = 0; i < soft.size(); ++i) {
            REQUIRE(soft[i] == Approx(0.7 * first[i] + 0.3 * second[i]).margin(1e-12));
            largest = std::max(largest, std::abs(first[i] - second[i]));
        }
        REQUIRE(largest > 1e-3);
    };
    require_mean(preferring);
    require_mean(rewarding);
}

TEST_CASE("a minibatch whose mean ratio is above the limit is skipped and counted, and changes no weight") {
    const ModelConfig m = lively(tiny_llama());
    const auto policy = Place{.shape = {2, T}}.language(m);
    PolicyConfig c;
    static_cast<UpdateConfig&>(c) = constant_rate(1e-2);
    c.epochs = 1;
    PolicyUpdate update(*policy, c);
    Experience e = random_experience(update, 6, m.V, T);
    const std::vector<double> before = test::weights_of(policy->parameters);
    Experience far = e;
    for (size_t n = 0; n < far.old_log_probs.size(); ++n)
        if (far.texts.learnt[n]) far.old_log_probs[n] -= 3;  // ratios of about 20
    const PolicyStats skipped = update.run(far, 0);
    REQUIRE(skipped.ratios.mean_ratio() > 10);
    REQUIRE((skipped.skipped == 1 && skipped.updates == 0));
    REQUIRE(test::weights_of(policy->parameters) == before);
    const PolicyStats taken = update.run(e, 1);
    REQUIRE((taken.skipped == 0 && taken.updates == 1));
    REQUIRE(test::weights_of(policy->parameters) != before);
}
