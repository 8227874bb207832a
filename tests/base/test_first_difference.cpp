#include <catch2/catch.hpp>

#include "engine/base/first_difference.h"

using namespace gradus;

TEST_CASE("The first line in which two texts differ is given whole, of each") {
    using Lines = std::pair<std::string, std::string>;
    REQUIRE(first_difference("a = 1\nb = 2\nc = 3\n", "a = 1\nb = 5\nc = 4\n") == Lines{"b = 2", "b = 5"});
    REQUIRE(first_difference("a = 1\nb = 2", "a = 1") == Lines{"b = 2", "nothing"});
    REQUIRE(first_difference("a = 1\n", "a = 1\nb = 2") == Lines{"nothing", "b = 2"});
    REQUIRE(first_difference("", "x") == Lines{"nothing", "x"});
}

TEST_CASE("A long line that differs is cut") {
    const auto [a, b] = first_difference("same\n" + std::string(1000, 'a'), "same\n" + std::string(1000, 'b'));
    REQUIRE(a == std::string(120, 'a'));
    REQUIRE(b == std::string(120, 'b'));
}
