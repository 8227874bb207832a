// The simulated rater: align/raters/description_rater.h.
#include <catch2/catch.hpp>

#include <cmath>

#include "align/raters/description_rater.h"

using namespace gradus;

TEST_CASE(
    "the simulated rater likes an answer that names what was asked for, ends, is one sentence and does not repeat") {
    const std::string question = "What is vim?";
    const auto u = [&](const std::string& answer, bool ended = true) {
        return utility_of_description(question, answer, ended);
    };
    REQUIRE(name_asked_for(question) == "vim");
    REQUIRE(name_asked_for("Hello") == "");
    REQUIRE(name_asked_for("What is libc++1-14?") == "libc++1-14");
    REQUIRE(u("vim: a text editor for programmers.").total() == 4);
    REQUIRE(u(" vim: a text editor.\n").total() == 4);
    REQUIRE(!u("emacs: a text editor.").names);
    REQUIRE(!u("vim: a text editor.", false).ends);
    REQUIRE(!u("vim: a text editor").sentence);
    REQUIRE(!u("vim: a text editor. It is old.").sentence);
    REQUIRE(!u("vim: a text\neditor.").sentence);
    REQUIRE(u("vim: version 9.0 of an editor.").sentence);
    REQUIRE(!u("vim: an editor of the editor.").fresh);
    REQUIRE(u("vim: the end of the end.").fresh);                                            // short words
    REQUIRE(u("").total() == 1);                                                             // it ends
    REQUIRE(utility_of_description("What is text?", "text: text processing.", true).fresh);  // the name may come again
}

TEST_CASE(
    "the rater's noise makes preferences of the Bradley-Terry model, and its rankings are functions of the seed") {
    const double noise = 0.7;
    int first = 0;
    constexpr int rankings = 20000;
    for (uint64_t i = 0; i < rankings; ++i) first += simulated_ranks({3, 2}, noise, 1, i)[0] == 1;
    const double expected = 1 / (1 + std::exp(-1 / noise));
    REQUIRE(std::abs(double(first) / rankings - expected) < 0.012);
    REQUIRE(simulated_ranks({1, 3, 2, 0}, 0, 1, 5) == std::vector<int>{3, 1, 2, 4});
    REQUIRE(simulated_ranks({1, 1, 1, 1}, 1, 1, 5) == simulated_ranks({1, 1, 1, 1}, 1, 1, 5));
    REQUIRE(simulated_ranks({1, 1, 1, 1}, 1, 1, 5) != simulated_ranks({1, 1, 1, 1}, 1, 2, 6));
}
