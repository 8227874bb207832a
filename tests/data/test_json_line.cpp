#include <catch2/catch.hpp>

#include "data/json_line.h"
#include "data/json_scan.h"

using namespace gradus;

namespace {

std::string repeated(const std::string& part, size_t times) {
    std::string all;
    for (size_t i = 0; i < times; ++i) all += part;
    return all;
}

std::optional<std::string> text_of(const std::string& line) {
    BadLine bad;
    const auto text = text_of_json_line(line, "text", bad);
    // The scanner by itself agrees with the fast parser.
    const JsonScan scan = scan_json(line, "text");
    REQUIRE((scan.valid && scan.is_string) == text.has_value());
    if (text) REQUIRE(scan.text == *text);
    else REQUIRE_FALSE(bad.cause.empty());
    return text;
}

// Values that JSON's grammar allows.
const std::vector<std::string> odd_values = {"18446744073709551616",
                                             "-9223372036854775809",
                                             "1" + std::string(5000, '0'),
                                             "1e400",
                                             "-1E+400",
                                             "1e-400",
                                             "0." + std::string(2000, '3'),
                                             "-0",
                                             "-0.0e-0",
                                             "1e" + std::string(100, '9'),
                                             repeated("[", 1025) + repeated("]", 1025),
                                             repeated("[", 1'000'000) + repeated("]", 1'000'000),
                                             repeated("{\"a\":", 5000) + "null" + repeated("}", 5000),
                                             repeated("[{\"b\" : ", 3000) + "[]" + repeated("}]", 3000),
                                             "\"\\ud83d\"",
                                             "\"\\udc00\\ud800\"",
                                             "\"\\u0000\"",
                                             "{\"text\": \"inner\"}",
                                             "[{\"text\": 1}]",
                                             "{\"\": {}, \"\": []}",
                                             "\"\\\"text\\\": \\\\\"",
                                             "[ ]",
                                             "{ }",
                                             "true"};

}  // namespace

TEST_CASE("any valid JSON under other keys is accepted") {
    for (const std::string& value : odd_values) {
        CAPTURE(value.substr(0, 40));
        REQUIRE(text_of("{\"other\": " + value + ", \"text\": \"found\"}") == "found");
        REQUIRE(text_of("{\"text\": \"found\", \"other\": " + value + "}") == "found");
        REQUIRE(text_of(" {\t\"a\":[" + value + " , " + value + "],\"text\":\"found\",\"a\":" + value + "}\r") ==
                "found");
    }
    REQUIRE(text_of("{\"te\\u0078t\": \"\\u00e9 \\ud83d\\ude00 \\ud83d \\b\\/\", \"n\": 1e999}") ==
            "\u00E9 \U0001F600 \uFFFD \b/");
    REQUIRE(text_of("{\"text\": \"one\", \"text\": \"two\"}") == "one");
    REQUIRE(text_of("{\"text\": \"one\", \"text\": \"two\", \"n\": 1e999}") == "one");
}

TEST_CASE("invalid JSON anywhere makes a line bad") {
    for (const std::string value :
         {"01",   "+1",    "1.",    ".5",  "1e",  "1e+",       "0x10",      "NaN",         "Infinity", "-",
          "--1",  "tru",   "nulll", "'a'", "\"a", "\"\\x\"",   "\"\\u12\"", "\"\\u12g4\"", "\"\t\"",   "[1,]",
          "[,1]", "[1 2]", "[1",    "]",   "}",   "{\"a\"}",   "{\"a\":}",  "{\"a\":1,}",  "{a:1}",    "{1:1}",
          "[}",   "{]",    "1 1",   "",    "[1}", "{\"a\":1]", "//"}) {
        CAPTURE(value);
        REQUIRE_FALSE(text_of("{\"text\": \"found\", \"other\": " + value + "}"));
        REQUIRE_FALSE(
            text_of("{\"big\": 1e999, \"text\": \"found\", \"other\": [" + value + (value.empty() ? ",]}" : "]}")));
    }
    for (const std::string line :
         {"", "{", "{}", "[]", "\"text\"", "5", "{\"text\": \"a\"} {}", "{\"text\": \"a\"}}", "{\"text\": 1e999}",
          "{\"text\": null}", "{\"text\": [\"a\"]}", "[{\"text\": \"a\"}]", "{\"a\": {\"text\": \"a\"}}",
          "{\"text\": 1, \"text\": \"a\"}"})
        REQUIRE_FALSE(text_of(line));
    REQUIRE_FALSE(text_of("{\"text\": \"a\", \"b\": " + repeated("[", 2'000'000)));
    REQUIRE_FALSE(text_of("{\"text\": \"a\", \"b\": " + repeated("[", 2000) + repeated("]", 1999) + "}"));
}

TEST_CASE("a bad line is reported with column and cause") {
    BadLine bad;
    REQUIRE_FALSE(text_of_json_line("{\"text\": oops}", "text", bad));
    REQUIRE(bad.column == 10);
    REQUIRE(bad.cause == "expected a value");
    REQUIRE_FALSE(text_of_json_line("{\"text\": \"a\" \"b\"}", "text", bad));
    REQUIRE(bad.column == 14);
    REQUIRE_FALSE(text_of_json_line("{\"a\": 1e999, \"b\": 1}", "text", bad));
    REQUIRE(bad.cause == "the object has no key \"text\" but \"a\", \"b\"");
    REQUIRE_FALSE(text_of_json_line("{\"text\": \"abc", "text", bad));
    REQUIRE(bad.cause == "a string is not terminated");
    for (const char* line : {"[1]", "\"text\"", "5", "null", "[{\"text\": \"a\"}]"}) {
        REQUIRE_FALSE(text_of_json_line(line, "text", bad));
        REQUIRE(bad.cause == "the line is a JSON value but not an object");
    }
}

TEST_CASE("a line that is predicted to fit does fit, however its characters are escaped") {
    for (int c = 0; c < 0x80; ++c) {
        const std::string text(200, char(c));
        std::string line;
        append_json_line(line, text, "s");
        size_t most = 0;
        while (!fits_json_line(text, "s", most)) ++most;
        REQUIRE(line.size() <= most);
        REQUIRE(most <= line.size() + 40);
    }
}
