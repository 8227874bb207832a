// The experiments of docs/bench/align.md, shortened: a wrong sign, mask or ratio misses these numbers.
#include <catch2/catch.hpp>

#include "tests/align/experiments/addition_stages.h"
#include "tests/align/experiments/sentiment_stages.h"

using namespace gradus;
using namespace gradus::experiments;

TEST_CASE("praise on demand: from demonstrations over a noisy rater's rankings to a policy that people prefer") {
    SentimentSettings s;
    s.sft_steps = 300;
    s.ranked_prompts = 2000;
    s.ppo_iterations = 20;
    SentimentStages stages(s);
    const double loss = stages.fine_tune();
    REQUIRE(loss < 2.2);
    stages.collect();
    const double before = stages.learn_reward();
    const auto reward = stages.accuracies(0);
    CAPTURE(loss, before, reward.noisy, reward.truth);
    REQUIRE(reward.truth > 0.8);
    const Judged tuned = stages.judge(stages.tuned());
    REQUIRE(tuned.kl == 0);

    double score = 0, kl = 0;
    const Judged ppo = stages.judge(*stages.ppo(s, [&](int i, const PpoStats& p, LanguageModel&) {
        REQUIRE(p.policy.first_ratio_error == 0);
        REQUIRE((p.kl == 0) == (i == 0));
        score = p.score, kl = p.kl;
    }));
    CAPTURE(tuned.gold, ppo.gold, ppo.kl, ppo.proxy, ppo.ended, score, kl);
    REQUIRE(ppo.gold > tuned.gold + 1.5);
    REQUIRE(ppo.proxy > 0.8);
    REQUIRE(ppo.kl > 0.5);
    REQUIRE(ppo.kl < 4);
    REQUIRE(ppo.ended > 0.95);

    const Judged dpo = stages.judge(*stages.dpo(0.3, 6e-4, 2));
    CAPTURE(dpo.gold, dpo.kl);
    REQUIRE(dpo.gold > tuned.gold + 1);
    REQUIRE(dpo.kl < 5);

    const std::vector<double> curve = stages.best_of({1, 4, 16});
    REQUIRE(curve[0] < curve[1] - 0.5);
    REQUIRE(curve[1] < curve[2] - 0.2);
}

TEST_CASE("addition with bad teachers: only rewards make a policy sure that could always answer right") {
    AdditionSettings s;
    s.sft_steps = 600;
    s.rl_steps = 25;
    AdditionStages stages(s);
    const double loss = stages.fine_tune();
    const Marks before = stages.marks(stages.tuned());
    const Marks after = stages.marks(*stages.grpo(s));
    CAPTURE(loss, before.pass_at_1, before.pass_at_8, before.greedy, after.pass_at_1, after.greedy, after.kl,
            after.entropy);
    REQUIRE(before.pass_at_1 < 0.63);
    REQUIRE(before.pass_at_8 > 0.9);
    REQUIRE(after.pass_at_1 > before.pass_at_1 + 0.15);
    REQUIRE(after.kl > 0.08);
    REQUIRE(after.kl < 0.6);
    REQUIRE(after.entropy < before.entropy);
}
