// A reward model: does it prefer what people prefer, and is it as sure as it is right?
#include <cmath>

#include "tools/report/calibration_chart.h"
#include "tools/report/stage_charts.h"

namespace gradus {

void add_reward_charts(ChartList& charts, const ReportRun& run) {
    add_accuracy(charts, run, "Accuracy: share of pairs whose better answer scores higher");
    charts.add_card(calibration_card(run.log));
    charts.take("val_calibration_error");
    charts.add({.title = "Loss, nats per pair",
                .note = "Good: both fall. Above chance, log 2, a guess would be better: the model is sure of wrong "
                        "preferences.",
                .series = {{"training", charts.take("loss")}, {"held out", charts.take("val_loss"), true}},
                .marks = {{"chance", std::log(2.0)}},
                .from_zero = true,
                .outliers = 0.02});
    charts.add({.title = "Mean score of a step's answers",
                .note = "The level has no meaning; one that drifts without end is held by reward.centring.",
                .series = {{"score", charts.take("score")}}});
    charts.add_optimizer();
    charts.take("tokens");
    charts.take("ms");
}

}  // namespace gradus
