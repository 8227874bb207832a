// Stop strings end a text at their first occurrence, however it is split into pieces.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "engine/base/error.h"
#include "engine/generate/stop_strings.h"

using namespace gradus;

namespace {

// The text before the stop string that is complete first; among several, before the one that begins first.
std::string plainly_stopped(const std::string& text, const std::vector<std::string>& stops) {
    for (size_t end = 0; end <= text.size(); ++end) {
        size_t first = std::string::npos;
        for (const std::string& s : stops)
            if (end >= s.size() && text.compare(end - s.size(), s.size(), s) == 0)
                first = std::min(first, end - s.size());
        if (first != std::string::npos) return text.substr(0, first);
    }
    return text;
}

}  // namespace

TEST_CASE("text ends before the stop string that is complete first, for all splits into pieces") {
    std::mt19937 rng(4);
    int stopped = 0, whole = 0;
    for (int round = 0; round < 3000; ++round) {
        auto random_text = [&](unsigned least, unsigned most) {
            std::string text(least + rng() % (most - least + 1), ' ');
            for (char& c : text) c = char('a' + rng() % 2);
            return text;
        };
        std::vector<std::string> stops(1 + rng() % 3);
        for (std::string& s : stops) s = random_text(1, 6);
        const std::string text = random_text(0, 30), expected = plainly_stopped(text, stops);

        StopStrings letters(stops);
        std::string found;
        for (char c : text) {
            found += letters.push(std::string(1, c));
            REQUIRE(text.rfind(found, 0) == 0);
            REQUIRE(expected.rfind(found, 0) == 0);  // shown text is never withdrawn
        }
        REQUIRE(letters.stopped() == (expected.size() < text.size()));
        found += letters.flush();
        REQUIRE(found == expected);
        (letters.stopped() ? stopped : whole)++;
    }
    REQUIRE(stopped > 500);
    REQUIRE(whole > 100);
}

TEST_CASE("in a piece with several stop strings the text ends before the one that begins first") {
    StopStrings stops({"User:", "\n\n"});
    REQUIRE(stops.push("yes\n\nUser: no") == "yes");
    REQUIRE(stops.stopped());
    REQUIRE(stops.push("more") == "");
    REQUIRE(stops.flush() == "");
}

TEST_CASE("a possible beginning of a stop string is held back until it is decided, and flushed at the end") {
    StopStrings stops({"<end>"});
    REQUIRE(stops.push("a<e") == "a");
    REQUIRE(stops.push("a") == "<ea");
    REQUIRE(stops.push("<en") == "");
    REQUIRE(stops.flush() == "<en");
    REQUIRE(!stops.stopped());
}

TEST_CASE("without stop strings every piece is returned unchanged, and an empty stop string is refused") {
    StopStrings none({});
    REQUIRE(none.push("any text") == "any text");
    REQUIRE(none.flush() == "");
    REQUIRE_THROWS_AS(StopStrings({"a", ""}), Error);
}
