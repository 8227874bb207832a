// What gradus grpo judges answers by, without a model.
#include "tools/align/rewards.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <thread>

#include "engine/base/log.h"
#include "tools/align/reward_program.h"

using namespace gradus;

namespace {

// The Error of a program, what and cause in one text; "" if there is none.
std::string problem_of_program(const std::string& command, double seconds = 60) {
    try {
        RewardProgram program(command, seconds);
        program.scores({"{}", "{}"});
    } catch (const Error& e) { return std::string(e.what()) + "; " + e.cause; }
    return "";
}

}  // namespace

TEST_CASE("an exact reward compares texts without white space around them") {
    const auto score = comparison({.exact = true});
    REQUIRE(score(" 42\n", "42") == 1);
    REQUIRE(score("42.", "42") == 0);
    REQUIRE(score("", "42") == 0);
    REQUIRE(score("42", "") == std::nullopt);
}

TEST_CASE("a pattern is a reward of its own, or takes from answer and reference what is compared") {
    const auto found = comparison({.pattern = "^(yes|no)$"});
    REQUIRE(found("yes", "") == 1);
    REQUIRE(found("yes, or no", "") == 0);

    const auto number = comparison({.exact = true, .pattern = "#### *(-?[0-9]+)"});
    REQUIRE(number("6 times 7\n#### 42", "so it is\n####  42") == 1);
    REQUIRE(number("#### 41", "#### 42") == 0);
    REQUIRE(number("42", "#### 42") == 0);
    REQUIRE(number("#### 42", "42") == 1);  // the reference is the bare number
    REQUIRE_THROWS_WITH(comparison({.pattern = "(a"}), Catch::Contains("'(a' cannot be understood"));
}

TEST_CASE("a reward program scores the lines it is sent, in their order, as often as it is asked") {
    const std::string lengths = R"(while read -r line; do echo "{\"score\": ${#line}}"; done)";
    RewardProgram program(lengths, 60);
    for (int call = 0; call < 3; ++call)
        REQUIRE(program.scores({"1", "333", "22"}) == AnswerScores{{1, 3, 2}, {1, 1, 1}});
    // More than a pipe holds, in both directions.
    const std::vector<std::string> many(5000, std::string(100, 'x'));
    REQUIRE(program.scores(many).scores == std::vector<double>(5000, 100.0));
    REQUIRE(program.scores({}) == AnswerScores{});
}

TEST_CASE("a reward program may leave answers without a score") {
    RewardProgram program(R"(printf '{"score": null}\n{"score": -1.5e3, "why": "short"}\n'; cat >/dev/null)", 60);
    REQUIRE(program.scores({"{}", "{}"}) == AnswerScores{{0, -1500}, {0, 1}});
}

TEST_CASE("a reward program's surplus of one iteration is not taken for the scores of the next") {
    RewardProgram program("while read -r x; do echo '{\"score\": 1}'; done; cat", 20);
    REQUIRE(program.scores({"{}"}) == AnswerScores{{1}, {1}});
    REQUIRE(program.scores({"{}"}) == AnswerScores{{1}, {1}});
    RewardProgram eager("read -r x; echo '{\"score\": 1}'; sleep 0.2; echo '{\"score\": 9}'; cat >/dev/null", 20);
    REQUIRE(eager.scores({"{}"}) == AnswerScores{{1}, {1}});
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    REQUIRE_THROWS_WITH(eager.scores({"{}"}), Catch::Contains("writes more than it is asked for"));
}

TEST_CASE("a reward program that fails is an Error that says how") {
    REQUIRE(problem_of_program("exit 3") ==
            "the reward program 'exit 3' wrote 0 of 2 scores; it ended with exit "
            "status 3; its own messages are above");
    REQUIRE_THAT(problem_of_program("echo '{\"score\": 1}'; kill -9 $$"), Catch::Contains("wrote 1 of 2 scores"));
    REQUIRE_THAT(problem_of_program("kill -9 $$"), Catch::Contains("signal 9 ended it"));
    REQUIRE_THAT(problem_of_program("sleep 100", 0.2), Catch::Contains("wrote 0 of 2 scores in 0.2 s"));
    REQUIRE_THAT(problem_of_program("printf 'a\\nb\\n'; cat"), Catch::Contains("line 1: 'a'"));
    REQUIRE_THAT(problem_of_program("printf '{\"score\": 1}\\n{\"score\": \"x\"}\\n'; cat"),
                 Catch::Contains("line 2: '{\"score\": \"x\"}'"));
    REQUIRE_THAT(problem_of_program("printf '{\"score\": 1}\\n{}\\n'; cat"), Catch::Contains("line 2: '{}'"));
    REQUIRE_THAT(problem_of_program("printf '{\"score\": NaN}\\n[1]\\n'; cat"), Catch::Contains("line 1:"));
    REQUIRE_THAT(problem_of_program("yes '{\"score\": 1}'"), Catch::Contains("more than it is asked for"));
    REQUIRE_THAT(problem_of_program("head -c 3000000 /dev/zero | tr '\\0' x; cat"),
                 Catch::Contains("else than a score"));
}
