// Settings as written: places, kinds of values, and text that reads back as the same value.
#include <catch2/catch.hpp>

#include "engine/base/config_file.h"
#include "engine/base/error.h"
#include "engine/base/philox.h"

using namespace gradus;

namespace {

Error error_of(const std::string& toml) {
    try {
        parse_settings(toml, "r.toml");
    } catch (const Error& e) { return e; }
    FAIL("accepted: " << toml);
    return Error("", "", "");
}

}  // namespace

TEST_CASE("Every value knows its key and the place it was written at") {
    const auto settings = parse_settings(
        "seed = 7\n[train]\n  batch = 8\nlr.high = 1e-3\n[a.b]\nc = [\"x\", \"y\"]\nd = true\n", "r.toml");
    REQUIRE(settings.size() == 5);
    REQUIRE(settings[0].key == "seed");
    REQUIRE(settings[0].where == "r.toml:1:1");
    REQUIRE(settings[1].key == "train.batch");
    REQUIRE(settings[1].where == "r.toml:3:3");
    REQUIRE(std::get<int64_t>(settings[1].value) == 8);
    REQUIRE(settings[2].key == "train.lr.high");
    REQUIRE(std::get<double>(settings[2].value) == 1e-3);
    REQUIRE(settings[3].key == "a.b.c");
    REQUIRE(std::get<std::vector<std::string>>(settings[3].value) == std::vector<std::string>{"x", "y"});
    REQUIRE(std::get<bool>(settings[4].value) == true);
}

TEST_CASE("What is not TOML, stands twice or has no kind of ours is refused with file, line and column") {
    struct Case {
        const char* toml;
        const char* cause;
    };
    const Case cases[] = {
        {"[train]\nbatch = \n", "r.toml:2:9"},
        {"[train]\nbatch = 8\nbatch = 9\n", "r.toml:3"},
        {"[train\nbatch = 8\n", "r.toml:1"},
        {"a = \"open\nb = 1\n", "r.toml:1"},
        {"a = 1 2\n", "r.toml:1"},
        {"when = 1979-05-27\n", "r.toml:1:8"},
        {"a = [1, 2]\n", "r.toml:1:6"},
        {"[[table]]\na = 1\n", "r.toml:1"},
        {"a = \"\xff\"\n", "r.toml:1"},
    };
    for (const Case& c : cases) {
        INFO(c.toml);
        const Error e = error_of(c.toml);
        REQUIRE(e.cause.find(c.cause) != std::string::npos);
        REQUIRE(e.text().find('\n') != std::string::npos);
        REQUIRE(!e.fix.empty());
    }
}

TEST_CASE("A value on the command line needs no quotes") {
    REQUIRE(std::get<int64_t>(parse_assignment("a.b=12").value) == 12);
    REQUIRE(std::get<double>(parse_assignment("a.b = 3e-4").value) == 3e-4);
    REQUIRE(std::get<bool>(parse_assignment("a=true").value) == true);
    REQUIRE(std::get<std::string>(parse_assignment("run.dir=runs/a b").value) == "runs/a b");
    REQUIRE(std::get<std::string>(parse_assignment("run.dir=\"x\"").value) == "x");
    REQUIRE(std::get<std::string>(parse_assignment("p=a=b").value) == "a=b");
    REQUIRE(std::get<std::string>(parse_assignment("p=").value) == "");
    REQUIRE(std::get<std::string>(parse_assignment("p=1\nq = 2").value) == "1\nq = 2");
    for (const char* when : {"2026-11-24", "2026-11-24T10:00:00Z", "07:32:00"})
        REQUIRE(std::get<std::string>(parse_assignment(std::string("run.dir=") + when).value) == when);
    REQUIRE(parse_assignment("run.dir=124").typed == "124");
    REQUIRE(parse_assignment("a.b=12").where == "--set a.b=12");
    for (const char* nothing : {"", "=3", "batch", "  = 3"}) REQUIRE_THROWS_AS(parse_assignment(nothing), Error);
}

TEST_CASE("A value on the command line that no setting can have is refused under its own key") {
    for (const char* assignment : {"sample.prompts=[1, 2]", "sample.prompts=[2026-11-24]"}) {
        try {
            parse_assignment(assignment);
            FAIL("accepted: " << assignment);
        } catch (const Error& e) {
            REQUIRE(std::string(e.what()).find("'sample.prompts'") != std::string::npos);
            REQUIRE(e.cause == std::string("--set ") + assignment);
            REQUIRE(e.fix.find("sample.prompts = [") != std::string::npos);
        }
    }
}

TEST_CASE("A value written as TOML reads back as the same value") {
    const Value values[] = {
        true,
        int64_t(-5),
        0.1,
        3e-4,
        1e22,
        5.0,
        std::string("a \"b\" \\ c\n\t\x01 é"),
        std::string("bytes \x80 \xc3( \xed\xa0\x80 \xff of a path, \u00e9 \U0010FFFF \U0010FF80 of text"),
        std::vector<std::string>{"x", "", "two\nlines", "\xfe"},
        std::vector<std::string>{}};
    for (const Value& v : values) {
        const std::string text = toml_text(v);
        INFO(text);
        const auto back = parse_settings("x = " + text, "r.toml");
        REQUIRE(back.size() == 1);
        REQUIRE(back[0].value == v);
    }
}

TEST_CASE("Mutilated recipes give an Error or settings, and nothing else") {
    const std::string good =
        "[train]\nbatch = 8\nlist = [\"a\", 'b']\n[optimizer]\nlr = 3e-4\ntext = \"\"\"x\ny\"\"\"\nt = {a = 1}\n";
    const Philox random{7};
    int refused = 0;
    for (uint64_t round = 0; round < 3000; ++round) {
        std::string text = good;
        for (uint64_t edit = 0; edit < 1 + random.bits(round, 99) % 4; ++edit) {
            const uint64_t bits = random.bits(round, edit);
            const size_t at = bits % text.size();
            if (bits >> 62 == 0) text.erase(at, 1 + (bits >> 40) % 5);
            else if (bits >> 62 == 1) text.insert(at, 1, "[]{}=\"'#.\n"[(bits >> 40) % 10]);
            else text[at] = char(bits >> 32);
            if (text.empty()) text = "x";
        }
        try {
            parse_settings(text, "r.toml");
        } catch (const Error&) { ++refused; }
    }
    REQUIRE(refused > 1000);
}

TEST_CASE("A recipe nested without end is refused") {
    REQUIRE(!error_of("a = " + std::string(100000, '[')).fix.empty());
    REQUIRE(!error_of("a = " +
                      [] {
                          std::string s;
                          for (int i = 0; i < 5000; ++i) s += "{a=";
                          return s;
                      }())
                 .fix.empty());
}
