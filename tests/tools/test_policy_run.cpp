// What the runs of gradus ppo and gradus grpo have in common.
#include "tools/align/policy_run.h"

#include <catch2/catch.hpp>

using namespace gradus;

TEST_CASE("an iteration of which updates were skipped is told, with how many") {
    PolicyStats stats;
    stats.updates = 4;
    REQUIRE(warnings_of(0, stats, 0.5).empty());
    stats.updates = 3;
    stats.skipped = 1;
    const auto texts = warnings_of(6, stats, 0.5);
    REQUIRE(texts.size() == 1);
    REQUIRE(texts[0].starts_with("iteration 7: 1 of 4 updates are skipped"));
}

TEST_CASE("a divergence well below 0 is told; noise around 0 is not") {
    REQUIRE(warnings_of(0, {}, -0.99).empty());
    const auto texts = warnings_of(2, {}, -3.5);
    REQUIRE(texts.size() == 1);
    REQUIRE(texts[0].starts_with("iteration 3: answers are 3.50 nats less likely"));
}

TEST_CASE("a number that a stage remembers is found by its name; another, or none at all, is the default") {
    REQUIRE(remembered(R"({"beta": 0.25})", "beta", 1) == 0.25);
    REQUIRE(remembered(R"({"beta": 0.25})", "gamma", 1) == 1);
    REQUIRE(remembered(R"({"beta": "x"})", "beta", 1) == 1);
    REQUIRE(remembered("", "beta", 1) == 1);
}
