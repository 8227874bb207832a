// PPO and GRPO: what the policy gains, how far it goes for it, and whether its updates are sound.
#include <fmt/format.h>

#include "tools/report/reward_against_kl.h"
#include "tools/report/stage_charts.h"

namespace gradus {

namespace {

std::string below(double value, double bound, const std::string& remark) { return value < bound ? remark : ""; }
std::string above(double value, double bound, const std::string& remark) { return value > bound ? remark : ""; }

void add_gain(ChartList& charts, const ReportRun& run) {
    const ScoreName name = score_of(run);
    const Curve &score = charts.take(name.key), &kl = charts.take("kl");
    charts.add_card(kl_card({{run.name, kl_path(kl, score)}}, name.unit));
    charts.add({.title = name.name(),
                .note = "Good: rises, then levels off. It is what the reward model or program says, not what people "
                        "would: the samples below tell.",
                .series = {{"score", score}}});
    const bool adapts = run.number_set("ppo.kl_target") > 0;
    Chart divergence = {
        .title = "KL to the reference, nats per answer",
        .note = fmt::format("Good: rises slowly{} and stays in single digits.", adapts ? " to kl_target" : ""),
        .series = {{"KL", kl}},
        .remark = above(mean_at_end(kl), 10,
                        fmt::format("above 10 nats at the end: a larger {}.beta holds it", of_stage(run.stage).name))};
    if (adapts) divergence.marks = {{"kl_target", run.number_set("ppo.kl_target")}};
    charts.add(divergence);
    if (kl.empty())
        charts.add_card("<div class=card>" +
                        chart_heading("KL to the reference", "Not measured: without grpo.beta there is no reference.") +
                        "</div>\n");
    const Curve& beta = charts.take("beta");
    if (adapts)
        charts.add({.title = "β, weight of the KL penalty",
                    .note = "Adapted: it rises while KL is above its target.",
                    .series = {{"beta", beta}},
                    .from_zero = true});
}

void add_answers(ChartList& charts, const ReportRun& run) {
    const std::string stage = of_stage(run.stage).name;
    const Curve &entropy = charts.take("entropy"), &ended = charts.take("ended");
    charts.add({.title = "Entropy, nats per token",
                .note = "Good: falls slowly. Near 0 all answers are alike, and nothing more is found.",
                .series = {{"entropy", entropy}},
                .from_zero = true,
                .remark = entropy.size() < 2 ? ""
                                             : below(mean_at_end(entropy), 0.2 * mean_at_start(entropy),
                                                     "below a fifth of its start: the answers have become alike")});
    const Curve& tokens = charts.take("length");
    Chart length = {.title = "Length of the answers, tokens",
                    .note = "A length that only grows is often what the score likes, not what people do.",
                    .series = {{"mean", tokens}},
                    .from_zero = true};
    const double longest = run.number_set(stage + ".max_tokens");
    if (longest > 0 && mean_at_end(tokens) > longest / 2) length.marks = {{"max_tokens", longest}};
    charts.add(length);
    charts.add({.title = "Share of answers that ended within max_tokens",
                .note = "Good: near 1. An answer that is cut off costs missing_end.",
                .series = {{"ended", ended}},
                .low = 0,
                .high = 1.02,
                .remark = ended.empty() ? ""
                                        : below(mean_at_end(ended), 0.9,
                                                "below 0.9 at the end: a larger max_tokens, or a larger missing_end")});
    const Curve& same = charts.take("without_spread");
    charts.add({.title = "Groups that teach nothing, and answers without a score",
                .note =
                    "Without spread: all answers of a group score the same. Good: both low; prompts that are always "
                    "or never answered right should go.",
                .series = {{"groups without spread", same}, {"unscored answers", charts.take("unscored")}},
                .low = 0,
                .high = 1.02,
                .remark = above(mean_at_end(same), 0.5, "more than half of the groups teach nothing at the end")});
}

void add_updates(ChartList& charts) {
    const Curve &clipped = charts.take("clip_fraction"), &explained = charts.take("explained_variance");
    charts.add({.title = "Share of tokens whose ratio is clipped",
                .note = "Good: below about 0.2. Above it, updates go further than the clipped objective follows.",
                .series = {{"clipped", clipped}},
                .from_zero = true,
                .remark = above(mean_at_end(clipped), 0.2,
                                "above 0.2 at the end: a lower optimizer.lr, or fewer epochs or minibatches")});
    charts.add({.title = "Probability ratio π/π_old, mean over tokens and updates",
                .note = "Good: stays near 1.",
                .series = {{"mean ratio", charts.take("ratio")}},
                .marks = {{"no change", 1}}});
    charts.add({.title = "Explained variance of the value model",
                .note = "Good: rises towards 1. At 0 the values are no better than a constant; far below, worse.",
                .series = {{"explained variance", explained}},
                .high = 1.02,
                .at_least = -1,
                .remark = explained.empty() || mean_at_end(explained) > 0
                              ? ""
                              : "not above 0 at the end: a larger value_lr, or more iterations"});
    charts.add({.title = "Loss of the value model",
                .note = "Good: falls; its scale is that of the squared returns.",
                .series = {{"loss", charts.take("value_loss")}},
                .from_zero = true,
                .outliers = 0.05});
    charts.add({.title = "Policy loss",
                .note = "No measure of progress: it is near 0 by construction. Spikes are a warning.",
                .series = {{"loss", charts.take("loss")}}});
}

}  // namespace

void add_policy_charts(ChartList& charts, const ReportRun& run) {
    add_gain(charts, run);
    add_answers(charts, run);
    add_updates(charts);
    charts.add_optimizer();
    charts.add({.title = "Where the time of an iteration goes, ms",
                .series = {{"answers", charts.take("ms_answers")},
                           {"scores", charts.take("ms_scores")},
                           {"updates", charts.take("ms_updates")}},
                .from_zero = true,
                .outliers = 0.02});
    charts.add_tokens_per_second("Answer tokens per second", "Of whole iterations: answering, scoring and updates.");
}

}  // namespace gradus
