// The numbers of gradus report: what it takes from a log, and how it draws many or damaged ones.
#include <catch2/catch.hpp>

#include <cmath>

#include <fmt/format.h>

#include "tests/data/temporary_folder.h"
#include "tools/report/chart.h"
#include "tools/report/chart_frame.h"
#include "tools/report/reward_against_kl.h"
#include "tools/report/run.h"

using namespace gradus;

namespace {

ReportLog log_of(const std::string& text) {
    const TemporaryFolder folder;
    write_file_atomically(folder / "log.jsonl", text);
    return read_report_log(folder / "log.jsonl");
}

std::vector<double> values_of(const Curve& c) {
    std::vector<double> y;
    for (const Point& p : c) y.push_back(p.y);
    return y;
}

size_t count_of(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

}  // namespace

TEST_CASE("a log has a curve for each number, and gaps where a value is null, missing or no number") {
    const ReportLog log = log_of(
        "{\"step\":1,\"loss\":2.5,\"kl\":null,\"note\":\"x\"}\n"
        "{\"step\":2,\"kl\":0.5}\n"
        "{\"step\":3,\"loss\":\"high\",\"kl\":0.75,\"skipped\":\"loss spike\"}\n");
    REQUIRE(values_of(log.curve("loss")) == std::vector<double>{2.5});
    REQUIRE(values_of(log.curve("kl")) == std::vector<double>{0.5, 0.75});
    REQUIRE(log.curve("kl")[0].x == 2);
    REQUIRE(log.curve("note").empty());
    REQUIRE(log.curve("absent").empty());
    REQUIRE(log.steps == 3);
    REQUIRE(log.skipped_steps == 1);
    REQUIRE(log.unreadable_lines == 0);
}

TEST_CASE("lines that are no JSON objects are counted, but not the last one that is still being written") {
    REQUIRE(
        log_of("{\"step\":1,\"loss\":1}\nnonsense\n[1]\n{\"step\":2,\"loss\":2}\n{\"step\":3,\"lo").unreadable_lines ==
        2);
    const ReportLog torn = log_of("{\"step\":1,\"loss\":1}\n{\"step\":2,\"lo");
    REQUIRE(torn.unreadable_lines == 0);
    REQUIRE(torn.steps == 1);
    // A complete line counts, with or without its line feed.
    REQUIRE(log_of("{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":2}").steps == 2);
    REQUIRE(log_of("").curves.empty());
}

TEST_CASE("a run that went back to a checkpoint counts each step once, as it was done last") {
    const ReportLog log = log_of(
        "{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":2,\"skipped\":\"x\"}\n{\"step\":3,\"loss\":3,\"val_"
        "calibration\":[[0.9,1,4]]}\n"
        "{\"step\":2,\"loss\":20}\n{\"step\":3,\"loss\":30}\n{\"step\":3,\"loss\":31}\n");
    REQUIRE(values_of(log.curve("loss")) == std::vector<double>{1, 20, 31});
    REQUIRE(log.calibrations.empty());
    REQUIRE(log.skipped_steps == 0);
    REQUIRE(log.steps == 3);
}

TEST_CASE("steps that are no numbers of steps are left out") {
    const ReportLog log =
        log_of("{\"step\":1e300,\"loss\":1}\n{\"step\":-5,\"loss\":1}\n{\"step\":null,\"loss\":1}\n{\"loss\":1}\n");
    REQUIRE(log.curves.empty());
}

TEST_CASE("bins of a calibration that cannot be are left out") {
    const ReportLog log = log_of(
        "{\"step\":5,\"val_calibration\":[[0.75,0.5,8],[1.5,0.5,8],[0.75,-1,8],[0.75,0.5,0],[0.75],\"x\",[null,1,1]]}"
        "\n");
    REQUIRE(log.calibrations.size() == 1);
    REQUIRE(log.calibrations[0].bins.size() == 1);
    REQUIRE(log.calibrations[0].bins[0].expected == 0.75);
    REQUIRE(log.calibrations[0].bins[0].share == 0.5);
    REQUIRE(log.calibrations[0].bins[0].pairs == 8);
}

TEST_CASE("samples of steps that were done again are those of the last time, and those of one step stay together") {
    const TemporaryFolder folder;
    write_file_atomically(folder / "log.jsonl", "{\"step\":1,\"loss\":1}\n");
    write_file_atomically(
        folder / "samples.jsonl",
        "{\"step\":1,\"prompt\":\"p\",\"text\":\"a\",\"score\":1.5,\"ended\":true}\n"
        "{\"step\":1,\"prompt\":\"p\",\"text\":\"b\",\"score\":null,\"ended\":false}\n"
        "{\"step\":2,\"prompt\":\"p\",\"text\":\"gone\"}\n{\"step\":3,\"text\":\"gone\"}\n"
        "{\"step\":2,\"prompt\":\"p\",\"text\":\"c\"}\n{\"step\":2,\"prompt\":\"q\",\"text\":\"d\"}\n{\"step\":3,\"te");
    const ReportRun run = read_run(folder / ".");
    std::string texts;
    for (const ReportSample& s : run.samples) texts += s.text;
    REQUIRE(texts == "abcd");
    REQUIRE(run.samples[0].score == 1.5);
    REQUIRE(run.samples[0].ended);
    REQUIRE_FALSE(run.samples[1].score);
    REQUIRE_FALSE(run.samples[1].ended);
}

TEST_CASE("the stage of a run is that of its recipe, and without one what its log has") {
    const TemporaryFolder folder;
    const auto stage_with = [&](const std::string& key) {
        write_file_atomically(folder / "log.jsonl", "{\"step\":1,\"" + key + "\":1}\n");
        return read_run(folder / ".").stage;
    };
    REQUIRE(stage_with("loss") == Stage::pretrain);
    REQUIRE(stage_with("accuracy") == Stage::reward);
    REQUIRE(stage_with("chosen_reward") == Stage::dpo);
    REQUIRE(stage_with("without_spread") == Stage::grpo);
    REQUIRE(stage_with("explained_variance") == Stage::ppo);
    write_file_atomically(folder / "recipe.toml",
                          "[model]\nfrom = \"a/checkpoints/step-00000007\"\n[ppo]\nreward = \"b\"\nkl_target = "
                          "2.5\n[train]\nsteps = 9\n");
    const ReportRun run = read_run(folder / ".");
    REQUIRE(run.stage == Stage::ppo);
    REQUIRE(run.reward_model() == "b");
    REQUIRE(run.number_set("ppo.kl_target") == 2.5);
    REQUIRE(run.number_set("train.steps") == 9);
    REQUIRE(run.number_set("model.from") == 0);
    REQUIRE(run.string_set("train.steps").empty());
}

TEST_CASE("where a curve begins and has settled are means of its first and last twentieth") {
    Curve c;
    for (int i = 1; i <= 100; ++i) c.push_back({double(i), double(i)});
    REQUIRE(mean_at_start(c) == 3);
    REQUIRE(mean_at_end(c) == 98);
    REQUIRE(median_of(c) == 51);
    REQUIRE(mean_at_end({{1, 7}, {2, 9}}) == 9);
    REQUIRE(mean_at_start({}) == 0);
    REQUIRE(mean_at_end({}) == 0);
    REQUIRE(sum_of({{1, -5}, {2, 2}, {3, 4}}) == 6);
}

TEST_CASE("two curves are combined at the steps that both have") {
    const Curve a = {{1, 10}, {2, 20}, {4, 40}, {5, 50}}, b = {{2, 2}, {3, 3}, {4, 0}, {5, 5}};
    const Curve quotient = combined(a, b, [](double x, double y) { return x / y; });
    REQUIRE(quotient.size() == 2);  // 40/0 is not finite
    REQUIRE(quotient[0].x == 2);
    REQUIRE(quotient[0].y == 10);
    REQUIRE(quotient[1].x == 5);
    REQUIRE(quotient[1].y == 10);
}

TEST_CASE("indices are spread evenly and have the first and the last") {
    REQUIRE(spread_indices(5, 12) == std::vector<size_t>{0, 1, 2, 3, 4});
    REQUIRE(spread_indices(9, 3) == std::vector<size_t>{0, 4, 8});
    REQUIRE(spread_indices(1000, 1) == std::vector<size_t>{999});
    REQUIRE(spread_indices(0, 3).empty());
    REQUIRE(spread_indices(3, 0).empty());
    const std::vector<size_t> many = spread_indices(1000000, 7);
    REQUIRE(many.front() == 0);
    REQUIRE(many.back() == 999999);
    for (size_t i = 1; i < many.size(); ++i) REQUIRE(many[i] > many[i - 1]);
}

TEST_CASE("the path of score against KL has the means of equal groups of steps, named by their last") {
    const Curve kl = {{1, 0}, {2, 1}, {3, 2}, {4, 3}, {5, 9}}, score = {{1, 10}, {2, 20}, {3, 30}, {4, 40}, {6, 60}};
    const std::vector<KlPoint> two = kl_path(kl, score, 2);
    REQUIRE(two.size() == 2);
    REQUIRE(two[0].step == 2);
    REQUIRE(two[0].kl == 0.5);
    REQUIRE(two[0].score == 15);
    REQUIRE(two[1].step == 4);
    REQUIRE(two[1].kl == 2.5);
    REQUIRE(two[1].score == 35);
    REQUIRE(kl_path(kl, score, 100).size() == 4);
    REQUIRE(kl_path(kl, {}).empty());
}

TEST_CASE("score against KL is drawn over the root of the divergence, whose ticks are nats") {
    // Two points: at KL 4 the distance is 2, the larger one, so that KL 1 is in the middle of it.
    const std::string card = kl_card({{"ppo", {{1, 1, 0}, {2, 4, 1}}}}, "points");
    const double half = (520 - 14 - 56) / 1.04 / 2;  // of the way to the farther point
    REQUIRE(count_of(card, fmt::format("cx=\"{:.1f}\"", 56 + half)) == 1);
    REQUIRE(count_of(card, fmt::format("cx=\"{:.1f}\"", 56 + 2 * half)) == 1);
    REQUIRE_THAT(
        card, Catch::Contains(">0.25</text>") && Catch::Contains(">2.25</text>") && Catch::Contains(">step 2</text>"));
    REQUIRE_THAT(card, Catch::Contains("KL 4.000, score +1.000"));
    // An estimate below 0, and a score that never changes.
    REQUIRE_THAT(kl_card({{"ppo", {{1, -0.5, 3}, {2, -0.1, 3}}}}, "points"),
                 !Catch::Contains("nan") && !Catch::Contains("inf"));
    REQUIRE(kl_card({{"none", {}}}, "points").empty());
}

TEST_CASE("a log of a million steps becomes a chart of a few hundred points that shows its extremes") {
    Curve long_curve;
    for (int i = 1; i <= 1000000; ++i) long_curve.push_back({double(i), i == 500000 ? 100.0 : std::sin(i * 1e-5)});
    for (const bool dots : {false, true}) {
        const std::string svg = svg_of({.title = "x", .series = {{"y", long_curve, dots}}});
        REQUIRE(svg.size() < 30000);
        REQUIRE(count_of(svg, "class=\"band") == 1);
        REQUIRE(count_of(svg, "<circle") == 0);
    }
    REQUIRE(kl_path(long_curve, long_curve).size() <= 40);
}

TEST_CASE("a chart begins, ends and is clipped where it is asked to") {
    const Curve c = {{1, -60}, {2, 0.5}, {3, 0.75}};
    const std::string svg = svg_of({.title = "x", .series = {{"y", c}}, .high = 1.0, .at_least = -1});
    REQUIRE_THAT(svg, Catch::Contains(">-1</text>") && !Catch::Contains(">-20</text>"));
    const std::string share = svg_of({.title = "x", .series = {{"y", {{1, 0.4}}}}, .low = 0, .high = 1});
    REQUIRE_THAT(share, Catch::Contains(">0</text>") && Catch::Contains(">1</text>") && Catch::Contains("<circle"));
}

TEST_CASE("dots have bars from where to where their value may lie, inside the frame") {
    Series s = {"held out", {{10, 0.8}, {20, 0.9}}, true};
    s.ranges = {{0.6, 0.9}, {0.7, 0.97}};
    const std::string svg = svg_of({.title = "accuracy", .series = {s}});
    REQUIRE(count_of(svg, "class=\"bar s0\"") == 2);
    REQUIRE_THAT(svg, Catch::Contains(">0.6</text>"));
}

TEST_CASE("round ticks cover a range with about as many numbers as asked for") {
    REQUIRE(round_ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
    REQUIRE(round_ticks(3, 3, 5) == std::vector<double>{3});
    REQUIRE(round_ticks(-1e308, 1e308, 5).size() == 1);
    REQUIRE(colour_class(0) == "s0");
    REQUIRE(colour_class(7) == "s1");
}
