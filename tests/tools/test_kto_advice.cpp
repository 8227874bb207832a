// What gradus dpo advises where the labels of kto are not balanced.
#include <catch2/catch.hpp>

#include "tools/align/kto_run.h"

using namespace gradus;

TEST_CASE("weighted numbers of desirable and undesirable answers from 1 to 4/3 need no advice") {
    REQUIRE(advice_on_weights({}, 30, 30).empty());
    REQUIRE(advice_on_weights({}, 40, 30).empty());
    REQUIRE(advice_on_weights({.desirable = 3}, 10, 30).empty());
    REQUIRE(advice_on_weights({.undesirable = 2.57}, 90, 30).empty());
}

TEST_CASE("the lighter answers are to weigh more, and the weight that is advised is right") {
    REQUIRE_THAT(advice_on_weights({}, 90, 30),
                 Catch::Contains("weigh 3.00 times") && Catch::EndsWith("--set dpo.undesirable_weight=2.57"));
    REQUIRE_THAT(advice_on_weights({.undesirable = 2}, 10, 100),
                 Catch::Contains("weigh 0.05 times") && Catch::EndsWith("--set dpo.desirable_weight=23.3"));
    REQUIRE(advice_on_weights({.desirable = 23.3, .undesirable = 2}, 10, 100).empty());
    REQUIRE_THAT(advice_on_weights({.undesirable = 0}, 12, 9), Catch::EndsWith("dpo.undesirable_weight=1.14"));
}

TEST_CASE("of answers with one label no weight is advised") {
    REQUIRE_THAT(advice_on_weights({}, 0, 1200), Catch::Contains("none of 1,200 answers is desirable"));
    REQUIRE_THAT(advice_on_weights({}, 7, 0), Catch::Contains("none of 7 answers is undesirable"));
}
