#include <catch2/catch.hpp>

#include "engine/base/error.h"
#include "engine/base/json_text.h"

using namespace gradus;

TEST_CASE("JSON that is well formed becomes its value, in any order of keys and any kind of number") {
    const JsonText read = try_parse_json(R"({"b": [1, -2, 3.5, true, null], "a": {"b": "\u00e9"}})");
    REQUIRE(read.problem.empty());
    REQUIRE(read.value == nlohmann::json{{"a", {{"b", "é"}}}, {"b", {1, -2, 3.5, true, nullptr}}});
}

TEST_CASE(
    "A problem in JSON is told with its line and column, on one line, and without what the library puts before it") {
    struct Case {
        const char* text;
        int64_t line, column;
    };
    for (const Case& c :
         {Case{"", 1, 1}, {"{", 1, 2}, {"{}{}", 1, 3}, {"{\n  \"a\": oops}", 2, 8}, {"{\"\xff\":1}", 1, 3}}) {
        INFO(c.text);
        const JsonText read = try_parse_json(c.text);
        REQUIRE(read.line == c.line);
        REQUIRE(read.column == c.column);
        REQUIRE(read.problem ==
                "line " + std::to_string(c.line) + ", column " + std::to_string(c.column) + ": " + read.reason);
        REQUIRE(read.reason.find("json.exception") == std::string::npos);
        REQUIRE(read.problem.find('\n') == std::string::npos);
    }
}

TEST_CASE("A key that an object has twice is refused on request, and the same key in two objects never") {
    const std::string twice = R"([{"a": 1}, {"a": 1, "b": {"a": 2}, "a": 3}])";
    REQUIRE(try_parse_json(twice).problem == "it has the key 'a' twice");
    REQUIRE(try_parse_json(twice, JsonKeys::any).value[1]["a"] == 3);
    REQUIRE(try_parse_json(R"([{"a": 1}, {"a": {"a": 2}}])").problem.empty());
}

TEST_CASE(
    "JSON of 64 levels is read and deeper JSON refused where it gets too deep; brackets in strings do not count") {
    const auto nested = [](size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
    REQUIRE(try_parse_json(nested(64)).problem.empty());
    for (size_t levels : {size_t(65), size_t(1'000'000)}) {
        const JsonText read = try_parse_json("\n" + nested(levels));
        REQUIRE(read.reason.find("nested deeper") != std::string::npos);
        REQUIRE(read.line == 2);
        REQUIRE(read.column == 65);
    }
    REQUIRE(try_parse_json("\"" + nested(100) + "\\\"" + nested(100) + "\"").problem.empty());
}

TEST_CASE("A number beyond every type is refused by its digits, which are cut where there are many") {
    REQUIRE(try_parse_json("[1e999]").problem.find("1e999") != std::string::npos);
    REQUIRE(try_parse_json("[" + std::string(100'000, '9') + "e999]").problem.size() < 300);
}

TEST_CASE("An Error for JSON names the file and says the problem and the fix") {
    try {
        parse_json("{", "DIR/config.json", "copy it again");
        FAIL("no Error");
    } catch (const Error& e) {
        REQUIRE(std::string(e.what()) == "cannot understand 'DIR/config.json'");
        REQUIRE(e.cause.find("line 1, column 2: ") == 0);
        REQUIRE(e.fix == "copy it again");
    }
}
