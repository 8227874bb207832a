#pragma once
// The charts of each stage: what its log has, with units, and with what good looks like for those who see it for the first time.
#include <string>

#include "tools/report/chart_list.h"

namespace gradus {

// All of them, and in a fold the numbers that no chart shows. id: unique on the page.
std::string charts_of(const ReportRun&, const std::string& id);

void add_text_charts(ChartList&, const ReportRun&);        // pretrain, sft
void add_reward_charts(ChartList&, const ReportRun&);      // reward
void add_preference_charts(ChartList&, const ReportRun&);  // dpo
void add_policy_charts(ChartList&, const ReportRun&);      // ppo, grpo

// Shares of right answers, of training steps and held out with 95 % intervals, beside chance and the rule of length.
void add_accuracy(ChartList&, const ReportRun&, const std::string& title);

// Score of the answers of ppo and grpo: the key of the log, and its unit.
struct ScoreName {
    std::string key, unit;

    std::string name() const { return "Score, " + unit; }
};
ScoreName score_of(const ReportRun&);

}  // namespace gradus
