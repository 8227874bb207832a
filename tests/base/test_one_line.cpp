// Text from files in errors: one line of UTF-8, whatever the file holds.
#include "engine/base/one_line.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "tests/base/limits.h"

using namespace gradus;

namespace {

// Whatever a name may hold: every byte, an escape sequence of a terminal, its C1 form, half a character.
std::string hostile() {
    std::string bytes = "\x1b[2J\u009b2J\u0085\r\n";
    for (int byte = 0; byte < 256; ++byte) bytes += char(byte);
    return bytes + "\xe6\xbc";
}

// Without line feeds, that it could be printed as it is.
bool is_printable(const std::string& line) { return on_one_line(line) == line; }

}  // namespace

TEST_CASE("control characters become spaces and other text stays as it is") {
    REQUIRE(on_one_line("a\nb\r\tc\x1b[0m\x7f", 100) == "a b  c [0m ");
    REQUIRE(on_one_line(std::string("a\0b", 3), 100) == "a b");
    REQUIRE(on_one_line("naïve 漢字 \xF0\x9F\x98\x80", 100) == "naïve 漢字 \xF0\x9F\x98\x80");
}

TEST_CASE("the control characters beyond ASCII become spaces as well") {
    REQUIRE(on_one_line("a\u0080b\u009b\u009fc\u00a0") == "a b  c\u00a0");
}

TEST_CASE("a text of several lines keeps its lines and tabs and nothing else") {
    REQUIRE(printable("a\tb\nc\x1b[1m\r\xff") == "a\tb\nc [1m \uFFFD");
}

TEST_CASE("an Error prints three lines, whatever the names in it hold") {
    const std::string bad = hostile(), text = Error("no '" + bad + "'", bad, bad).text();
    REQUIRE(std::count(text.begin(), text.end(), '\n') == 2);
    for (size_t start = 0, end; start < text.size(); start = end + 1) {
        end = std::min(text.find('\n', start), text.size());
        REQUIRE(is_printable(text.substr(start, end - start)));
    }
    REQUIRE(Error("no 'naïve'", "漢字", "x").text() == "error: no 'naïve'\n  cause: 漢字\n  fix:   x");
}

TEST_CASE("notes are one printable line, and what is told is printable lines") {
    const test::Heard noted = test::in_a_child([] { note(hostile()); });
    REQUIRE(noted.text.ends_with("\n"));
    REQUIRE(is_printable(noted.text.substr(0, noted.text.size() - 1)));
    const test::Heard told = test::in_a_child([] { tell("a" + hostile() + "\n"); });
    REQUIRE(printable(told.text) == told.text);
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
