// Which answers gradus best keeps.
#include "tools/align/best_answers.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <sstream>

using namespace gradus;
using nlohmann::json;

namespace {

const Conversation question = {{"user", "Q"}};

std::vector<json> lines_of(const std::string& text) {
    std::vector<json> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
    return lines;
}

std::vector<std::string> kept(BestAnswers& best, const std::vector<ScoredAnswer>& answers) {
    std::vector<std::string> texts;
    for (const json& line : lines_of(best.add(question, answers)))
        texts.push_back(line["messages"].back()["content"].get<std::string>());
    return texts;
}

}  // namespace

TEST_CASE("the best answer is kept as a conversation, with its score, the candidates and their mean") {
    BestAnswers best({.answers = 4});
    const Conversation prompt = {{"system", "S"}, {"user", "Q \"1\""}};
    const auto lines = lines_of(best.add(prompt, {{"a", 1, true}, {"b", 3, true}, {"c", 2, true}, {"late", 9, false}}));
    REQUIRE(lines.size() == 1);
    REQUIRE(lines[0] ==
            json::parse(R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q \"1\""},
        {"role": "assistant", "content": "b"}], "score": 3.0, "n": 3, "mean_score": 2.0})"));
}

TEST_CASE("an answer without an end, a score or a text is not kept, and an end can be waived") {
    const std::vector<ScoredAnswer> answers = {
        {"cut", 5, false}, {"unscored", std::nullopt, true}, {"", 4, true}, {"fair", 1, true}};
    BestAnswers best({.answers = 4}), lenient({.answers = 4, .keep_unfinished = true});
    REQUIRE(kept(best, answers) == std::vector<std::string>{"fair"});
    REQUIRE(kept(lenient, answers) == std::vector<std::string>{"cut"});
    REQUIRE(kept(best, {{"cut", 5, false}}).empty());
    const BestSummary s = best.summary();
    REQUIRE((s.prompts == 2 && s.answers == 5 && s.ended == 3 && s.unscored == 1 && s.kept == 1));
    REQUIRE((s.without_candidate == 1 && s.below_least == 0 && s.mean_score == 1 && s.mean_kept == 1));
}

TEST_CASE("several are kept from the best down, equal texts once, the first of equal scores first") {
    BestAnswers best({.answers = 5, .keep = 3});
    REQUIRE(kept(best, {{"a", 1, true}, {"b", 2, true}, {"b", 2, true}, {"c", 2, true}, {"d", 0, true}}) ==
            std::vector<std::string>{"b", "c", "a"});
    REQUIRE(kept(best, {{"a", 1, true}}) == std::vector<std::string>{"a"});
    REQUIRE(best.summary().kept == 4);
}

TEST_CASE("answers below the least score are rejected, and prompts with no other are counted") {
    BestAnswers best({.answers = 3, .keep = 3, .least_score = 1.5});
    REQUIRE(kept(best, {{"a", 1, true}, {"b", 1.5, true}, {"c", 2, true}}) == std::vector<std::string>{"c", "b"});
    REQUIRE(kept(best, {{"a", 1, true}, {"b", 1.4, true}}).empty());
    const BestSummary s = best.summary();
    REQUIRE((s.below_least == 1 && s.without_candidate == 0 && s.kept == 2 && s.mean_kept == 1.75));
    REQUIRE(s.mean_score == Approx((1 + 1.5 + 2 + 1 + 1.4) / 5));  // of those that are rejected, too
}

TEST_CASE("the curve is the mean over prompts, with its standard error, in rows of 1, 2, 4 and all answers") {
    BestAnswers best({.answers = 6});
    // E[max of 2] of 1, 2, 3 is (2 + 3 + 3) / 3.
    kept(best, {{"a", 1, true}, {"b", 2, true}, {"c", 3, true}, {"cut", 100, false}});
    kept(best, {{"a", 0, true}, {"b", 0, true}, {"c", 0, true}, {"d", 0, true}, {"e", 0, true}, {"f", 6, true}});
    const auto curve = best.summary().curve;
    REQUIRE(curve.size() == 4);
    const int64_t k[] = {1, 2, 4, 6}, prompts[] = {2, 2, 1, 1};
    const double score[] = {(2.0 + 1.0) / 2, (8.0 / 3 + 2.0) / 2, 4, 6};
    for (size_t i = 0; i < 4; ++i) {
        REQUIRE((curve[i].k == k[i] && curve[i].prompts == prompts[i]));
        REQUIRE(curve[i].score == Approx(score[i]));
        REQUIRE(curve[i].kl == Approx(best_of_kl(k[i])));
    }
    REQUIRE(curve[0].standard_error == Approx(0.5));  // of 2 and 1
    REQUIRE(curve[3].standard_error == 0);
}

TEST_CASE("the summary says what was left out, and its JSON has no mean of nothing") {
    BestAnswers best({.answers = 2, .least_score = 10});
    kept(best, {{"a", 1, true}, {"b", 3, true}});
    const json s = json::parse(json_of(best.summary()));
    REQUIRE(s["kept_score"].is_null());
    REQUIRE(s["mean_score"] == 2.0);
    REQUIRE(s["below_min_score"] == 1);
    REQUIRE(s["curve"].size() == 2);
    REQUIRE(s["curve"][1]["score"] == 3.0);
    REQUIRE_THAT(text_of(best.summary()), Catch::Contains("left out: 1 prompt whose best answer scores too low"));
    const json empty = json::parse(json_of(BestAnswers({.answers = 2}).summary()));
    REQUIRE(empty["mean_score"].is_null());
    REQUIRE(empty["curve"].empty());
}
