// The parts of the page of gradus report: samples, links, stages. Whatever a model or a file says stays text.
#include <catch2/catch.hpp>

#include "engine/base/error.h"
#include "tests/data/temporary_folder.h"
#include "tools/report/calibration_chart.h"
#include "tools/report/comparison.h"
#include "tools/report/html.h"
#include "tools/report/page.h"
#include "tools/report/samples.h"
#include "tools/report/stage_charts.h"

using namespace gradus;
using Catch::Contains;

namespace {

std::vector<ReportSample> samples_at(const std::vector<std::pair<int, std::string>>& list) {
    std::vector<ReportSample> samples;
    for (const auto& [step, prompt] : list)
        samples.push_back({.step = step, .prompt = prompt, .text = prompt + "@" + std::to_string(step)});
    return samples;
}

ReportRun run_with(const Stage stage, const std::map<std::string, Curve>& curves) {
    ReportRun run;
    run.name = "run";
    run.stage = stage;
    run.log.curves = curves;
    run.log.steps = 3;
    return run;
}

// A run's folder with one line of log, and a recipe that begins from `from`.
void make_run(const fs::path& folder, const std::string& from) {
    fs::create_directories(folder);
    write_file_atomically(folder / "log.jsonl", "{\"step\":1,\"loss\":1}\n");
    write_file_atomically(folder / "recipe.toml", "[model]\nfrom = \"" + from + "\"\n[sft]\nepochs = 1\n");
}

}  // namespace

TEST_CASE("text from files stays text, whatever its bytes are") {
    REQUIRE(escape_html("<b>&\"'") == "&lt;b&gt;&amp;&quot;&#39;");
    REQUIRE(escape_html("a\xff\xfe z\x1b[0m") == "a\xef\xbf\xbd\xef\xbf\xbd z [0m");
    REQUIRE(escape_html(std::string("\0\n\t", 3)) == " \n\t");
    REQUIRE(escape_path("../a b/<x>\"#?%.html") == "../a%20b/%3Cx%3E%22%23%3F%25.html");
    REQUIRE_THAT(answer_html(" \n"), Contains("(empty)"));
    REQUIRE(answer_html("<") == "&lt;");
}

TEST_CASE("prompts that come again are shown with evenly spread steps, the most frequent first") {
    const auto samples =
        samples_at({{1, "a"}, {1, "b"}, {2, "c"}, {3, "b"}, {3, "b"}, {5, "a"}, {7, "b"}, {9, "b"}, {11, "b"}});
    const std::vector<PromptHistory> histories = histories_of(samples, 4, 3);
    REQUIRE(histories.size() == 2);  // c came once
    REQUIRE(histories[0].prompt == "b");
    REQUIRE(histories[0].steps.size() == 3);
    REQUIRE(histories[0].steps[0][0]->step == 1);
    REQUIRE(histories[0].steps[1][0]->step == 7);
    REQUIRE(histories[0].steps[2][0]->step == 11);
    REQUIRE(histories[1].prompt == "a");
    REQUIRE(histories[1].steps[1][0]->text == "a@5");
    REQUIRE(histories_of(samples, 1, 3).size() == 1);
    REQUIRE(histories_of(samples, 4, 5)[0].steps[1].size() == 2);  // two answers at step 3
    REQUIRE(histories_of({}, 4, 3).empty());

    const auto stops = samples_by_step(samples, 2);
    REQUIRE(stops.size() == 2);
    REQUIRE(stops[0].size() == 2);
    REQUIRE(stops[1][0]->step == 11);
}

TEST_CASE("samples are stepped through without a script, and only as text") {
    ReportRun run = run_with(Stage::ppo, {});
    for (int step = 1; step <= 500; ++step)
        run.samples.push_back(
            {.step = step, .prompt = "<script>", .text = "a\xff</pre>", .score = 1.25, .ended = false});
    const std::string html = samples_html(run, "run1");
    REQUIRE_THAT(html,
                 !Contains("<script") && !Contains("\xff") && Contains("&lt;script&gt;") && Contains("score +1.250"));
    REQUIRE_THAT(html,
                 Contains("id=run1-step0>") && Contains("id=run1-step11 checked>") && !Contains("id=run1-step12"));
    REQUIRE_THAT(html, Contains("200 of 500 samples") && Contains("did not end"));
    REQUIRE(html.size() < 200000);
    REQUIRE(samples_html(run_with(Stage::ppo, {}), "run1").empty());
}

TEST_CASE("a stage's charts are those of the numbers that it has; other numbers follow") {
    const Curve c = {{1, 0.5}, {2, 0.25}, {3, 0.125}};
    const std::string ppo =
        charts_of(run_with(Stage::ppo, {{"kl", c}, {"normalised_score", c}, {"ended", c}, {"novel", c}}), "run1");
    REQUIRE_THAT(ppo, Contains("Score against KL") && Contains("KL to the reference, nats per answer"));
    REQUIRE_THAT(ppo, Contains("<h3>novel</h3>") && !Contains("Entropy") && Contains("a larger max_tokens"));
    const std::string without = charts_of(run_with(Stage::grpo, {{"score", c}}), "run1");
    REQUIRE_THAT(without, Contains("Not measured") && !Contains("Score against KL"));
    // An empty log has no chart, and no crash.
    for (const StageName& stage : stages) REQUIRE_THAT(charts_of(run_with(stage.stage, {}), "x"), !Contains("<svg"));
}

TEST_CASE("a page remarks when the log-probabilities of both answers fall") {
    const Curve falls = {{1, -1}, {2, -2}}, falls_more = {{1, -3}, {2, -7}}, rises = {{1, -2}, {2, -1}};
    const auto page = [](const Curve& chosen, const Curve& rejected) {
        return charts_of(run_with(Stage::dpo, {{"chosen_log_prob", chosen}, {"rejected_log_prob", rejected}}), "x");
    };
    REQUIRE_THAT(page(falls, falls_more), Contains("both fell, the chosen by 1.00 nats and the rejected by 4.00"));
    REQUIRE_THAT(page(falls_more, falls), Contains("the chosen fell further"));
    REQUIRE_THAT(page(rises, falls), !Contains("both fell"));
}

TEST_CASE("an accuracy has its interval where the number of pairs is known") {
    const std::map<std::string, Curve> known = {{"val_accuracy", {{10, 0.5}, {20, 0.9}}},
                                                {"val_pairs", {{10, 40}, {20, 40}}},
                                                {"val_accuracy_by_length", {{10, 0.7}, {20, 0.7}}}};
    const std::string html = charts_of(run_with(Stage::reward, known), "x");
    REQUIRE_THAT(html, Contains("class=\"bar") && Contains("by length alone 0.700") && Contains("chance 0.500"));
    REQUIRE_THAT(charts_of(run_with(Stage::reward, {{"val_accuracy", {{10, 0.5}}}}), "x"), !Contains("class=\"bar"));
}

TEST_CASE("a calibration is drawn beside the diagonal, first and last") {
    ReportLog log;
    REQUIRE(calibration_card(log).empty());
    log.calibrations = {{10, {{.pairs = 4, .expected = 0.75, .share = 0.5}}},
                        {20, {{.pairs = 4, .expected = 0.75, .share = 1}}}};
    const std::string card = calibration_card(log);
    REQUIRE_THAT(card, Contains("step 10") && Contains("step 20") && Contains("calibration error 0.250"));
    REQUIRE_THAT(card, Contains("4 pairs: predicted 0.750, observed 1.000 (0.510 to 1.000)"));
}

TEST_CASE("the run of a model is its folder without the checkpoint") {
    REQUIRE(run_of_model("runs/sft/checkpoints/step-00000060") == "runs/sft");
    REQUIRE(run_of_model("runs/sft/checkpoints/latest/") == "runs/sft");
    REQUIRE(run_of_model("runs/sft/") == "runs/sft");
    REQUIRE(run_of_model("checkpoints/x").empty());
    REQUIRE(run_of_model("").empty());
}

TEST_CASE("a page links to the runs that it is about, to the pages of others, and to nothing that is not there") {
    const TemporaryFolder folder;
    make_run(folder / "runs/sft", "");
    make_run(folder / "runs/other", "");
    make_run(folder / "runs/a b", "");
    make_run(folder / "runs/ppo", "runs/sft/checkpoints/step-1");
    write_file_atomically(folder / "runs/a b/report.html", "x");
    const std::vector<ReportRun> runs = {read_run(folder / "runs/sft"), read_run(folder / "runs/ppo")};
    const PageLinks links(runs, folder / "runs/ppo/report.html");
    const fs::path near = runs[1].folder;
    // Recipes have paths from where the run was started, here two folders above.
    REQUIRE(links.to("runs/sft/checkpoints/step-1", near) == "<a href=\"#run1\" title=\"runs/sft\">sft</a>");
    REQUIRE(links.to("runs/a b", near) == "<a href=\"../a%20b/report.html\" title=\"runs/a b\">a b</a>");
    REQUIRE_THAT(links.to("runs/other", near), Contains("gradus report runs/other") && !Contains("href"));
    REQUIRE(links.to("gpt2<", near) == "<code title=\"gpt2&lt;\">gpt2&lt;</code>");
    REQUIRE(links.run_meant("runs/ppo", near) == 1);
    REQUIRE_FALSE(links.run_meant("runs/other", near));
}

TEST_CASE("the stages of a model are found in the folder of a run, or above it where they name the run") {
    const TemporaryFolder folder;
    make_run(folder / "chain/align/sft", "");
    make_run(folder / "chain/align/apart", "");
    const std::string row =
        "{\"stage\":\"sft\",\"model\":\"chain/align/sft\",\"utility\":2.5,\"kl\":null,"
        "\"answers\":[{\"prompt\":\"<p>\",\"text\":\"<t>\"},3]}";
    write_file_atomically(folder / "chain/stages.json", "[" + row + ",{\"stage\":\"ppo\"}]");
    REQUIRE(find_stages({folder / "chain/align/sft"}));
    REQUIRE_FALSE(find_stages({folder / "chain/align/apart"}));
    const auto table = find_stages({folder / "chain"});
    REQUIRE(table);
    REQUIRE(table->stages.size() == 2);
    REQUIRE(table->stages[0].answers.size() == 1);
    REQUIRE(table->stages[0].values[0] == 2.5);

    const PageLinks links({read_run(folder / "chain/align/sft")}, folder / "page.html");
    const std::string html = stages_html(*table, links);
    REQUIRE_THAT(html, Contains("<a href=\"#run1\" title=\"chain/align/sft\">sft</a>") && Contains("&lt;p&gt;") &&
                           Contains("&lt;t&gt;"));
    REQUIRE_THAT(html, Contains("<th>utility") && !Contains("<th>KL"));  // which no stage has

    // What is no table is refused where it was asked for, and passed over elsewhere.
    for (const char* bad : {"{}", "[]", "[3]", "[{\"model\":\"x\"}]", "nonsense"}) {
        write_file_atomically(folder / "chain/stages.json", bad);
        REQUIRE_THROWS_WITH(find_stages({folder / "chain"}), Contains("is not a table of stages"));
        REQUIRE_FALSE(find_stages({folder / "chain/align/sft"}));
    }
}

TEST_CASE("runs are named by as much of their paths as tells them apart") {
    std::vector<ReportRun> runs;
    for (const char* folder : {"/r/round-1/ppo", "/r/round-2/ppo", "/s/round-2/ppo", "/r/sft", "/r/sft"}) {
        runs.emplace_back();
        runs.back().folder = folder;
    }
    name_apart(runs);
    std::vector<std::string> names;
    for (const ReportRun& r : runs) names.push_back(r.name);
    REQUIRE(names == std::vector<std::string>{"round-1/ppo", "r/round-2/ppo", "s/round-2/ppo", "sft", "sft"});
}

TEST_CASE("a page of several runs compares those of one stage, and needs no other file") {
    const Curve c = {{1, 0.5}, {2, 0.25}};
    ReportPage page;
    page.file = "report.html";
    for (const char* name : {"weak", "strong"}) {
        page.runs.push_back(run_with(Stage::ppo, {{"kl", c}, {"normalised_score", c}}));
        page.runs.back().name = name;
    }
    page.runs.push_back(run_with(Stage::reward, {{"accuracy", c}}));
    page.notes = {"there is <no> step"};
    const std::string html = html_of(page);
    REQUIRE_THAT(html, Contains("Runs of ppo compared") && !Contains("Runs of reward compared"));
    REQUIRE_THAT(html,
                 Contains("<h1 id=run3>") && Contains("href=\"#run2\">strong") && Contains("there is &lt;no&gt; step"));
    REQUIRE_THAT(html, !Contains("<script") && !Contains("src=") && !Contains("url(") && Contains("</html>"));
}
