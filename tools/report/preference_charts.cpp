// Preferences without a reward model: how the policy's own rewards, and the probabilities of the answers, move.
#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "tools/report/stage_charts.h"

namespace gradus {

namespace {

std::string remark_on_log_probs(const Curve& chosen, const Curve& rejected) {
    if (chosen.empty() || rejected.empty()) return "";
    const double better = mean_at_end(chosen) - mean_at_start(chosen);
    const double worse = mean_at_end(rejected) - mean_at_start(rejected);
    if (!(better < 0 && worse < 0)) return "";
    return fmt::format(
        "both fell, the chosen by {:.2f} nats and the rejected by {:.2f}. This is usual, since the loss sees only "
        "their difference{}",
        -better, -worse,
        better < worse ? "; but the chosen fell further: a lower learning rate, or a larger dpo.beta"
                       : "; if answers get worse, dpo.nll keeps the chosen likely");
}

}  // namespace

void add_preference_charts(ChartList& charts, const ReportRun& run) {
    add_accuracy(charts, run, "Accuracy: share of pairs whose chosen answer has the higher reward");
    const Curve &chosen = charts.take("chosen_reward"), &rejected = charts.take("rejected_reward");
    charts.add({.title = "Implicit rewards, β·(log π − log π_ref)",
                .note = "Good: chosen above rejected, and the gap widens. Both begin at 0, at the reference.",
                .series = {{"chosen", chosen}, {"rejected", rejected}}});
    charts.add({.title = "Margin: reward of the chosen less that of the rejected",
                .note = "Good: rises above 0, then levels off.",
                .series = {{"margin", combined(chosen, rejected, std::minus<>())}}});
    const Curve &better = charts.take("chosen_log_prob"), &worse = charts.take("rejected_log_prob");
    charts.add({.title = "log p of the answers, nats",
                .note = "Good: the rejected falls, the chosen little.",
                .series = {{"chosen", better}, {"rejected", worse}},
                .remark = remark_on_log_probs(better, worse)});
    Chart loss = {.title = "Loss, nats per pair",
                  .note = "Good: both fall. Held out that rises while training falls: it memorises.",
                  .series = {{"training", charts.take("loss")}, {"held out", charts.take("val_loss"), true}},
                  .outliers = 0.01};
    if (run.string_set("dpo.loss") == "dpo") loss.marks = {{"at the reference", std::log(2.0)}};
    charts.add(loss);
    charts.add_optimizer();
    charts.take("tokens");
    charts.take("ms");
}

}  // namespace gradus
