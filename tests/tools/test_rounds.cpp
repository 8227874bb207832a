#include <algorithm>

#include <catch2/catch.hpp>

#include "engine/base/error.h"
#include "tests/engine/settings_page.h"
#include "tools/rounds/round_plan.h"

using namespace gradus;

namespace {

RoundsConfig config() {
    RoundsConfig c;
    c.run.dir = "runs/r";
    c.rounds.policy = "sft";
    c.rounds.prompts = {"a.jsonl", "b \"c\".jsonl"};
    return c;
}

// The value that follows a word.
std::string after(const Command& c, const std::string& word) {
    const auto at = std::find(c.begin(), c.end(), word);
    return at == c.end() || at + 1 == c.end() ? "" : *(at + 1);
}

bool sets(const Command& c, const std::string& assignment) {
    for (size_t i = 0; i + 1 < c.size(); ++i)
        if (c[i] == "--set" && c[i + 1] == assignment) return true;
    return false;
}

}  // namespace

TEST_CASE("the prompts of the rounds are taken in turn, and none again before all have been") {
    REQUIRE(prompts_of_round(1, 3, 7) == std::vector<int64_t>{0, 1, 2});
    REQUIRE(prompts_of_round(2, 3, 7) == std::vector<int64_t>{3, 4, 5});
    REQUIRE(prompts_of_round(3, 3, 7) == std::vector<int64_t>{6, 0, 1});
    REQUIRE(prompts_of_round(2, 0, 3) == std::vector<int64_t>{0, 1, 2});
    REQUIRE(prompts_of_round(5, 9, 2) == std::vector<int64_t>{0, 1});
}

TEST_CASE("a round ranks the last policy beside the first, and learns from all rankings") {
    RoundsConfig c = config();
    c.rounds.rankings = {"people.jsonl"};
    const RoundPlan first(c, 1, 7), second(c, 2, 7);
    REQUIRE(first.ranked_models() == std::vector<std::string>{"sft"});
    REQUIRE(second.ranked_models() == std::vector<std::string>{"sft", "runs/r/round-1/ppo"});
    REQUIRE(sets(first.learn_reward(), R"(reward.data=["people.jsonl", "runs/r/round-1/rankings.jsonl"])"));
    REQUIRE(sets(second.learn_reward(), R"(reward.data=["people.jsonl", "runs/r/round-1/rankings.jsonl", )"
                                        R"("runs/r/round-2/rankings.jsonl"])"));
    REQUIRE(sets(second.learn_reward(), "model.from=sft"));
    // Names with quotes arrive as they are.
    const std::string prompts = "ppo.prompts=" + toml_text(c.rounds.prompts);
    REQUIRE(sets(second.optimise(), prompts));
    REQUIRE(std::get<std::vector<std::string>>(parse_assignment(prompts).value) == c.rounds.prompts);
    REQUIRE(sets(second.optimise(), "ppo.reward=runs/r/round-2/reward"));
    c.rounds.mix = false;
    REQUIRE(second.ranked_models() == std::vector<std::string>{"runs/r/round-1/ppo"});
}

TEST_CASE("PPO starts from the first policy or from the last one") {
    RoundsConfig c = config();
    REQUIRE(sets(RoundPlan(c, 2, 7).optimise(), "model.from=sft"));
    c.rounds.start = "last";
    REQUIRE(sets(RoundPlan(c, 1, 7).optimise(), "model.from=sft"));
    REQUIRE(sets(RoundPlan(c, 2, 7).optimise(), "model.from=runs/r/round-1/ppo"));
}

TEST_CASE("people rank until each prompt of the round has a ranking, a simulated rater ranks all at once") {
    RoundsConfig c = config();
    REQUIRE(after(RoundPlan(c, 1, 7).rank(), "--until") == "7");
    c.rounds.rankings_a_round = 3;
    REQUIRE(after(RoundPlan(c, 1, 7).rank(), "--until") == "3");
    c.rounds.rater = "simulated";
    const Command rank = RoundPlan(c, 1, 7).rank();
    REQUIRE(std::count(rank.begin(), rank.end(), "--simulated") == 1);
    REQUIRE(std::count(rank.begin(), rank.end(), "--until") == 0);
    // Each round has answers of its own.
    REQUIRE(after(rank, "--seed") != after(RoundPlan(c, 2, 7).rank(), "--seed"));
}

TEST_CASE("rounds that began with other settings are not continued, more rounds are") {
    const RoundsConfig then = config();
    RoundsConfig now = then;
    now.rounds.count = 9;
    require_same_rounds(then, now);
    now.rounds.samples = 2;
    try {
        require_same_rounds(then, now);
        FAIL("other settings were accepted");
    } catch (const Error& e) { REQUIRE(e.cause == "rounds.samples, which was 4"); }
}

TEST_CASE("docs/commands.md has every setting of the rounds") {
    RoundsConfig defaults;
    std::vector<std::string> wanted;
    for (const DeclaredSetting& s : declared(defaults)) wanted.push_back(row_of(s));
    require_rows(rows_of_page("### Settings of gradus rounds"), wanted);
}
