#include "tools/report/stage_charts.h"

#include <fmt/format.h>

#include "align/statistics/accuracy.h"

namespace gradus {

std::string charts_of(const ReportRun& run, const std::string& id) {
    ChartList charts(run, id);
    switch (run.stage) {
        case Stage::pretrain:
        case Stage::sft: add_text_charts(charts, run); break;
        case Stage::reward: add_reward_charts(charts, run); break;
        case Stage::ppo:
        case Stage::grpo: add_policy_charts(charts, run); break;
        default: add_preference_charts(charts, run);
    }
    std::string html = "<div class=charts>\n" + charts.html() + "</div>\n";
    if (const std::string rest = charts.rest(); !rest.empty())
        html +=
            "<details><summary>other numbers of the log</summary><div class=charts>\n" + rest + "</div></details>\n";
    return html;
}

void add_accuracy(ChartList& charts, const ReportRun& run, const std::string& title) {
    Series held = {"held out, with its 95 % interval", charts.take("val_accuracy"), true};
    const Curve &pairs = charts.take("val_pairs"), &by_length = charts.take("val_accuracy_by_length");
    if (pairs.size() == held.points.size())
        for (size_t i = 0; i < pairs.size(); ++i) {
            const auto [low, high] = wilson_interval(held.points[i].y * pairs[i].y, pairs[i].y);
            held.ranges.push_back({low, high});
        }
    Chart chart = {.title = title,
                   .note =
                       "Good: held out well above chance and, for a reward model, above the better rule of length (the "
                       "longer answer, or the shorter one). Training far above held out: it memorises.",
                   .series = {{"training step", charts.take("accuracy")}, held},
                   .marks = {{"chance", PairBaselines::random}},
                   .low = 0,
                   .high = 1.02};
    if (!by_length.empty()) chart.marks.push_back({"by length alone", by_length.back().y});
    if (!held.ranges.empty() && held.ranges.back().low < 0.5 && run.log.steps > 0)
        chart.remark = fmt::format("the interval of {} held-out pairs includes chance: more pairs, or more training",
                                   int64_t(pairs.back().y));
    charts.add(chart);
}

ScoreName score_of(const ReportRun& run) {
    if (!run.curve("normalised_score").empty())
        return {"normalised_score", "standard deviations above the first policy"};
    return {"score", "mean of the answers, as the reward gives it"};
}

}  // namespace gradus
