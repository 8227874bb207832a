// The gradient of a step is that of its whole batch, however that is cut into micro-batches and packed: align's trainers.
#include <catch2/catch.hpp>

#include <functional>

#include "tests/align/trainers.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int longest = 6, context = 24;  // four texts fit into a row

ModelConfig model() {
    ModelConfig m = lively(tiny_llama());
    m.context = context;
    return m;
}

// The gradient that a trainer makes in a place.
using Gradient = std::function<std::vector<double>(const Place&)>;

struct Step {
    const char* name;
    Gradient gradient;
};

std::vector<double> of_policy(const Place& p, PolicyObjective objective, Normaliser normaliser) {
    const auto policy = p.language(model());
    PolicyConfig c;
    static_cast<UpdateConfig&>(c) = constant_rate(0);
    c.objective = objective;
    c.normaliser = normaliser;
    c.longest = longest;
    c.kl_beta = 0.1;
    c.epochs = 1;
    c.clip = {.low = 0.05, .high = 0.08};
    PolicyUpdate update(*policy, c);
    // The experience is the same in all places, up to rounding.
    const PolicyStats stats = update.run(random_experience(update, 32, model().V, longest), 0);
    REQUIRE(stats.ratios.clip_fraction() < 1);
    REQUIRE((stats.ratios.clip_fraction() > 0.1 || objective == PolicyObjective::reinforce ||
             objective == PolicyObjective::cispo));
    return gradients_of(policy->parameters);
}

std::vector<double> of_value(const Place& p) {
    const auto policy = p.language(model());
    const auto value = p.score(model());
    PolicyUpdate update(*policy, {});
    ValueConfig c;
    static_cast<UpdateConfig&>(c) = constant_rate(0);
    c.epochs = 1;
    ValueUpdate values(*value, c);
    REQUIRE(values.run(random_experience(update, 32, model().V, longest), 0).clip_fraction > 0.1);
    return gradients_of(value->parameters);
}

std::vector<double> of_ranking(const Place& p, RankingLoss loss) {
    const auto reward = p.score(model());
    RewardConfig c;
    static_cast<UpdateConfig&>(c) = constant_rate(0);
    c.loss = loss;
    c.centring = 0.01;
    RewardTrainer(*reward, c).step(0, random_rankings(32, model().V, longest));
    return gradients_of(reward->parameters);
}

std::vector<double> of_preference(const Place& p, PreferenceKind kind) {
    const auto policy = p.language(model());
    PreferenceTrainerConfig c;
    static_cast<UpdateConfig&>(c) = constant_rate(0);
    c.loss.kind = kind;
    PreferenceTrainer(*policy, c).step(0, random_pairs(32, model().V, longest));
    return gradients_of(policy->parameters);
}

std::vector<double> of_labels(const Place& p) {
    const auto policy = p.language(model());
    KtoTrainerConfig c;
    static_cast<UpdateConfig&>(c) = constant_rate(0);
    REQUIRE(KtoTrainer(*policy, c).step(0, random_labels(32, model().V, longest)).kl > 1);
    return gradients_of(policy->parameters);
}

std::vector<Step> steps() {
    const auto policy = [](PolicyObjective o, Normaliser n) {
        return [=](const Place& p) { return of_policy(p, o, n); };
    };
    const auto ranking = [](RankingLoss l) { return [=](const Place& p) { return of_ranking(p, l); }; };
    const auto preference = [](PreferenceKind k) { return [=](const Place& p) { return of_preference(p, k); }; };
    return {{"PPO", policy(PolicyObjective::ppo, Normaliser::dapo)},
            {"GRPO", policy(PolicyObjective::ppo, Normaliser::grpo)},
            {"GSPO", policy(PolicyObjective::gspo, Normaliser::grpo)},
            {"CISPO", policy(PolicyObjective::cispo, Normaliser::dr_grpo)},
            {"REINFORCE", policy(PolicyObjective::reinforce, Normaliser::sequence)},
            {"value", of_value},
            {"pairs", ranking(RankingLoss::pairs)},
            {"Plackett-Luce", ranking(RankingLoss::plackett_luce)},
            {"best of K", ranking(RankingLoss::best)},
            {"DPO", preference(PreferenceKind::dpo)},
            {"IPO", preference(PreferenceKind::ipo)},
            {"SimPO", preference(PreferenceKind::simpo)},
            {"KTO", of_labels}};
}

}  // namespace

TEST_CASE("one micro-batch of 32 has the gradient of 32 micro-batches, packed or one text a row, for every trainer") {
    struct Numbers {
        const Ops& ops;
        DType dtype;
        double bound;
    };
    for (const Numbers& n : {Numbers{reference_ops(), DType::f64, 1e-12}, {cpu_ops(), DType::f32, 1e-6}})
        for (const Step& step : steps()) {
            const auto gradient = [&](BatchShape shape) {
                return step.gradient({.ops = n.ops, .dtype = n.dtype, .shape = shape});
            };
            const std::vector<double> together = gradient({32, context});
            double largest = 0;
            for (double x : together) largest = std::max(largest, std::abs(x));
            INFO(step.name << " " << name_of(n.dtype));
            REQUIRE(largest > 1e-3);
            REQUIRE(relative(gradient({1, context}), together) <= n.bound);
            REQUIRE(relative(gradient({4, longest}), together) <= n.bound);
        }
}
