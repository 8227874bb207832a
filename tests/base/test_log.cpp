// What a run writes down, and what of it survives a resume.
#include <unistd.h>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "tests/base/limits.h"

using namespace gradus;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / ("gradus-log-" + std::to_string(::getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("A resumed log has each step once") {
    Folder folder;
    const fs::path path = folder.path / "log.jsonl";
    {
        JsonLines log(path, 0);
        for (int step = 1; step <= 5; ++step) log.write({{"step", step}, {"loss", 1.0 / step}});
        REQUIRE(read_file(path).find("{\"step\":5,\"loss\":0.2}\n") != std::string::npos);  // before it is closed
    }
    {
        JsonLines log(path, 3);
        log.write({{"step", 4}, {"loss", 9}});
    }
    const std::string text = read_file(path);
    REQUIRE(text ==
            "{\"step\":1,\"loss\":1.0}\n{\"step\":2,\"loss\":0.5}\n{\"step\":3,\"loss\":0.3333333333333333}\n{\"step\":"
            "4,\"loss\":9}\n");
}

TEST_CASE("Half a line, a line that is not JSON and a line without a step are dropped on resume") {
    Folder folder;
    const fs::path path = folder.path / "log.jsonl";
    write_file_atomically(
        path, "{\"step\":1}\nnonsense\n{\"other\":1}\n[1]\n{\"step\":\"2\"}\n{\"step\":2}\n{\"step\":3,\"lo");
    JsonLines log(path, 10);
    REQUIRE(read_file(path) == "{\"step\":1}\n{\"step\":2}\n");
}

TEST_CASE("A log that begins afresh drops what another run left") {
    Folder folder;
    write_file_atomically(folder.path / "log.jsonl", "{\"step\":1}\n");
    JsonLines log(folder.path / "log.jsonl", 0);
    REQUIRE(read_file(folder.path / "log.jsonl").empty());
}

TEST_CASE("Text that ends inside a character is written with a replacement character") {
    Folder folder;
    JsonLines log(folder.path / "s.jsonl", 0);
    log.write({{"step", 1}, {"text", "a\xe2\x82"}});
    REQUIRE(read_file(folder.path / "s.jsonl").find("a\xEF\xBF\xBD") != std::string::npos);
}

TEST_CASE("A log in a folder that does not exist is an Error that names the file") {
    REQUIRE_THROWS_AS(JsonLines("/nonexistent/log.jsonl", 0), Error);
}

TEST_CASE("A full disk costs one note and the lines that find no room; those before and after them are complete") {
    Folder folder;
    const fs::path path = folder.path / "log.jsonl";
    const test::Heard heard = test::in_a_child([&] {
        JsonLines log(path, 0);
        log.write({{"step", 1}, {"text", std::string(100, 'x')}});
        test::limit(RLIMIT_FSIZE, 150);
        for (int step = 2; step <= 40; ++step) log.write({{"step", step}, {"text", std::string(100, 'y')}});
        log.sync();
        test::limit(RLIMIT_FSIZE, 100000);
        log.write({{"step", 41}});
    });
    INFO(heard.text);
    REQUIRE(heard.status == 0);
    REQUIRE(std::count(heard.text.begin(), heard.text.end(), '\n') == 1);
    REQUIRE(heard.text.find("note: cannot write '" + path.string() + "' (File too large)") == 0);
    REQUIRE(heard.text.find("ulimit -f unlimited") != std::string::npos);
    REQUIRE(read_file(path) == "{\"step\":1,\"text\":\"" + std::string(100, 'x') + "\"}\n{\"step\":41}\n");
}

TEST_CASE("A run that goes back drops the lines of later steps, on a disk without any room too") {
    Folder folder;
    const fs::path path = folder.path / "log.jsonl";
    const test::Heard heard = test::in_a_child([&] {
        JsonLines log(path, 0);
        for (int step = 1; step <= 5; ++step) log.write({{"step", step}});
        test::limit(RLIMIT_FSIZE, 5);  // no file can be written anew
        log.remove_after(3);
        test::limit(RLIMIT_FSIZE, 100000);
        log.write({{"step", 4}, {"again", true}});
        if (read_file(path) != "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"step\":4,\"again\":true}\n") throw 0;
        fs::remove_all(folder.path);
        log.remove_after(1);  // a note, and no exception
    });
    REQUIRE(heard.status == 0);
    REQUIRE(heard.text.find("the run continues") != std::string::npos);
    REQUIRE(std::count(heard.text.begin(), heard.text.end(), '\n') == 1);
}

TEST_CASE("The line of a step has columns that do not move") {
    const StepLine early = {.step = 7,
                            .steps = 5000,
                            .loss = 11.03125,
                            .grad_norm = 0.8712,
                            .lr = 3e-4,
                            .seconds = 0.412,
                            .tokens_per_second = 159000,
                            .flops_per_second = 46.1e9,
                            .seconds_left = 2000};
    StepLine late = early;
    late.step = 4999;
    late.loss = 3.5;
    late.grad_norm = 12.5;
    late.seconds = 2.5;
    late.seconds_left = 2.5;
    REQUIRE(
        text_of(early) ==
        "step    7/5000  loss 11.0312  grad   0.871  lr 3.00e-04    412 ms   159k tok/s     46.1 GFLOP/s  left 33m20s");
    for (const char* column : {"loss", "grad", "lr", "tok/s", "GFLOP/s", "left"})
        REQUIRE(text_of(early).find(column) == text_of(late).find(column));
}

TEST_CASE("Durations, counts and sizes are written for people") {
    REQUIRE(text_of_seconds(0.41) == "410 ms");
    REQUIRE(text_of_seconds(9.94) == "9.9 s");
    REQUIRE(text_of_seconds(59.6) == "1m00s");
    REQUIRE(text_of_seconds(75) == "1m15s");
    REQUIRE(text_of_seconds(8000) == "2h13m");
    REQUIRE(text_of_seconds(200000) == "2d07h");
    REQUIRE(text_of_seconds(-1) == "?");
    REQUIRE(text_of_count(950) == "950");
    REQUIRE(text_of_count(999.6) == "1.00k");
    REQUIRE(text_of_count(1234567) == "1.23M");
    REQUIRE(text_of_count(124e6) == "124M");
    REQUIRE(text_of_mib(size_t(1536) << 20) == "1,536.0");
    REQUIRE(text_of_mib(512 << 10) == "0.5");
    REQUIRE(text_of_whole(0) == "0");
    REQUIRE(text_of_whole(999) == "999");
    REQUIRE(text_of_whole(1234567) == "1,234,567");
    REQUIRE(text_of_whole(-123456) == "-123,456");
}
