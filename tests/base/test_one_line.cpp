// Text from files in errors: one line of UTF-8, whatever the file holds.
#include "engine/base/one_line.h"

#include <catch2/catch.hpp>

using gradus::on_one_line;

TEST_CASE("control characters become spaces and other text stays as it is") {
    REQUIRE(on_one_line("a\nb\r\tc\x1b[0m\x7f", 100) == "a b  c [0m ");
    REQUIRE(on_one_line(std::string("a\0b", 3), 100) == "a b");
    REQUIRE(on_one_line("naïve 漢字 \xF0\x9F\x98\x80", 100) == "naïve 漢字 \xF0\x9F\x98\x80");
}

TEST_CASE("bytes that are no UTF-8 are replaced one by one") {
    const std::string bad = "\uFFFD";
    REQUIRE(on_one_line("a\xff"
                        "b",
                        100) == "a" + bad + "b");
    REQUIRE(on_one_line("\xe6\xbc", 100) == bad + bad);  // cut short
    REQUIRE(on_one_line("\xc0\x80", 100) == bad + bad);  // longer than it need be
    REQUIRE(on_one_line("\xe0\x9f\xbf", 100) == bad + bad + bad);
    REQUIRE(on_one_line("\xed\xa0\x80", 100) == bad + bad + bad);  // half of a pair of UTF-16
    REQUIRE(on_one_line("\xf4\x90\x80\x80", 100) == bad + bad + bad + bad);
    REQUIRE(on_one_line("\xf5\x80", 100) == bad + bad);
}

TEST_CASE("a long text is cut between two characters") {
    REQUIRE(on_one_line("abcdef", 6) == "abcdef");
    REQUIRE(on_one_line("abcdefg", 6) == "abcdef…");
    REQUIRE(on_one_line("abcd漢", 6) == "abcd…");
    REQUIRE(on_one_line(std::string(1000, '\xff'), 60).size() == 63);
}
