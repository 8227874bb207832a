// The answers of an iteration of gradus grpo.
#include "tools/align/group_batch.h"

#include <catch2/catch.hpp>

using namespace gradus;

namespace {

// Groups of two answers, by their scores; answers are told apart by their prompt.
GroupBatch round_of(int first_prompt, const std::vector<std::pair<double, double>>& scores) {
    GroupBatch round;
    for (const auto& [a, b] : scores) {
        for (const double score : {a, b}) {
            round.chosen.push_back(first_prompt);
            round.answers.push_back({.prompt_length = first_prompt});
            round.scores.add(score);
        }
        ++first_prompt;
    }
    return round;
}

std::vector<int> prompts_of(const GroupBatch& b) {
    std::vector<int> all;
    for (size_t i = 0; i < b.chosen.size(); i += 2) {
        REQUIRE(b.chosen[i] == b.chosen[i + 1]);
        REQUIRE(b.answers[i].prompt_length == b.chosen[i]);
        all.push_back(b.chosen[i]);
    }
    REQUIRE(b.scores.scores.size() == b.chosen.size());
    REQUIRE(b.scores.scored.size() == b.chosen.size());
    return all;
}

Rollout answer_of(int length, bool ended = true) {
    return {.text = {std::vector<int32_t>(size_t(3 + length), 1), {}}, .prompt_length = 3, .ended = ended};
}

}  // namespace

TEST_CASE("groups without a spread are dropped until the batch is full, and surplus ones after it") {
    DynamicSampling sampling(3, 2, 10);
    REQUIRE(sampling.next_prompts() == 3);
    sampling.add(round_of(0, {{0, 1}, {1, 1}, {0, 0}}));
    // One of three had a spread: for the other two, six prompts by that share, and at most a batch.
    REQUIRE(sampling.next_prompts() == 3);
    sampling.add(round_of(3, {{1, 0}, {0, 0}, {0, 2}}));
    REQUIRE(sampling.next_prompts() == 0);
    const GroupBatch batch = sampling.batch();
    REQUIRE(prompts_of(batch) == std::vector<int>{0, 3, 5});
    REQUIRE(batch.scores.scores == std::vector<double>{0, 1, 1, 0, 0, 2});
    REQUIRE(batch.rounds == 2);
    REQUIRE(batch.sampled == 12);
}

TEST_CASE("a round asks for what the missing groups should take, by the share of groups with a spread") {
    DynamicSampling sampling(8, 2, 10);
    sampling.add(round_of(0, {{0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {1, 1}, {1, 1}}));
    REQUIRE(sampling.next_prompts() == 3);  // 2 · 8/6
    sampling.add(round_of(8, {{0, 0}, {0, 0}, {0, 0}}));
    REQUIRE(sampling.next_prompts() == 4);  // 2 · 11/6
    DynamicSampling without(8, 2, 10);
    without.add(round_of(0, std::vector<std::pair<double, double>>(8, {1, 1})));
    REQUIRE(without.next_prompts() == 8);
}

TEST_CASE("groups without a spread fill a batch that is not full after the last round, behind the others") {
    DynamicSampling sampling(3, 2, 2);
    sampling.add(round_of(0, {{1, 1}, {0, 0}, {2, 2}}));
    sampling.add(round_of(3, {{1, 1}, {0, 1}, {0, 0}}));
    REQUIRE(sampling.next_prompts() == 0);
    const GroupBatch batch = sampling.batch();
    REQUIRE(prompts_of(batch) == std::vector<int>{4, 0, 1});
    REQUIRE(batch.rounds == 2);
}

TEST_CASE("answers without a score give a group no spread") {
    DynamicSampling sampling(1, 2, 2);
    GroupBatch round = round_of(0, {{0, 1}});
    round.scores.scored[1] = 0;
    sampling.add(round);
    REQUIRE(sampling.next_prompts() == 1);
}

TEST_CASE("a shaped score is normalised, and less a penalty for the end that is missing and for the last tokens") {
    const std::vector<Rollout> answers = {answer_of(6), answer_of(7), answer_of(10), answer_of(10, false),
                                          answer_of(9)};
    AnswerScores scores;
    for (const double score : {1.0, 1.0, 1.0, 5.0}) scores.add(score);
    scores.add_none();
    const AnswerScores plain = shaped_scores(scores, answers, {.mean = 1, .sd = 2, .missing_end = 0.5}, 10, 0);
    REQUIRE(plain.scores == std::vector<double>{0, 0, 0, 1.5, 0});
    const AnswerScores shaped = shaped_scores(scores, answers, {.mean = 1, .sd = 2, .missing_end = 0.5}, 10, 4);
    REQUIRE(shaped.scores == std::vector<double>{0, -0.25, -1, 0.5, 0});
    REQUIRE(shaped.scored == scores.scored);
}
