#include "tools/report/headline.h"

#include <fmt/format.h>

#include "align/statistics/accuracy.h"
#include "engine/base/log.h"
#include "tools/report/stage_charts.h"

namespace gradus {

namespace {

using Numbers = std::vector<std::pair<std::string, std::string>>;

// What a number is at the end, with what it was at the start.
void add_settled(Numbers& out, const Curve& c, const char* format, const std::string& what) {
    if (c.empty()) return;
    const auto text = [&](double x) { return fmt::format(fmt::runtime(format), x); };
    out.emplace_back(text(mean_at_end(c)), fmt::format("{}; {} at the start", what, text(mean_at_start(c))));
}

void add_last(Numbers& out, const Curve& c, const char* format, const std::string& what) {
    if (!c.empty()) out.emplace_back(fmt::format(fmt::runtime(format), c.back().y), what);
}

void add_text_numbers(Numbers& out, const ReportRun& r) {
    const Curve& val_loss = r.curve("val_loss");
    add_last(out, r.curve("val_bits_per_byte"), "{:.4f}", "bits per byte, validation");
    add_last(out, val_loss, "{:.4f}", "validation loss, nats per token");
    if (!val_loss.empty() && least_of(val_loss) < val_loss.back().y)
        out.emplace_back(fmt::format("{:.4f}", least_of(val_loss)), "its lowest");
    if (!r.curve("loss").empty())
        out.emplace_back(fmt::format("{:.4f}", mean_at_end(r.curve("loss"))), "training loss, last steps");
    if (r.parameters > 0) out.emplace_back(text_of_count(r.parameters), "parameters");
    out.emplace_back(text_of_count(sum_of(r.curve("tokens"))), "tokens seen");
    const double rate = median_of(r.log.tokens_per_second());
    if (rate > 0) out.emplace_back(text_of_count(rate), "tokens per second, median");
    if (rate > 0 && r.parameters > 0)
        out.emplace_back(fmt::format("{:.1f}", 6 * r.parameters * rate * 1e-9), "GFLOP/s (6 × parameters × tokens/s)");
}

void add_pair_numbers(Numbers& out, const ReportRun& r) {
    const Curve &accuracy = r.curve("val_accuracy"), &pairs = r.curve("val_pairs");
    if (!accuracy.empty()) {
        std::string what = "accuracy on held-out pairs";
        if (!pairs.empty()) {
            const auto [low, high] = wilson_interval(accuracy.back().y * pairs.back().y, pairs.back().y);
            what += fmt::format(" ({:.3f} to {:.3f}, {} pairs)", low, high, text_of_whole(int64_t(pairs.back().y)));
        }
        out.emplace_back(fmt::format("{:.3f}", accuracy.back().y), what);
    }
    add_last(out, r.curve("val_accuracy_by_length"), "{:.3f}", "accuracy by length alone; chance 0.5");
    add_last(out, r.curve("val_calibration_error"), "{:.3f}", "calibration error");
    add_last(out, r.curve("val_loss"), "{:.4f}", "loss on held-out pairs, nats");
    add_settled(out, r.curve("accuracy"), "{:.3f}", "accuracy on training pairs");
    add_settled(out, r.curve("chosen_reward"), "{:+.3f}", "implicit reward of the chosen");
    add_settled(out, r.curve("rejected_reward"), "{:+.3f}", "implicit reward of the rejected");
    add_settled(out, r.curve("chosen_log_prob"), "{:.2f}", "log p of the chosen, nats");
    add_settled(out, r.curve("rejected_log_prob"), "{:.2f}", "log p of the rejected, nats");
}

void add_policy_numbers(Numbers& out, const ReportRun& r) {
    const bool normalised = score_of(r).key == "normalised_score";
    add_settled(out, r.curve(score_of(r).key), "{:+.3f}",
                normalised ? "score, standard deviations above the first policy" : "score");
    add_settled(out, r.curve("kl"), "{:.2f}", "KL to the reference, nats per answer");
    add_settled(out, r.curve("entropy"), "{:.2f}", "entropy, nats per token");
    add_settled(out, r.curve("length"), "{:.1f}", "tokens per answer");
    add_settled(out, r.curve("ended"), "{:.2f}", "share of answers that ended");
    add_settled(out, r.curve("explained_variance"), "{:+.2f}", "explained variance of the value model");
    add_settled(out, r.curve("without_spread"), "{:.2f}", "share of groups that teach nothing");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> headline_of(const ReportRun& r) {
    Numbers out;
    switch (r.stage) {
        case Stage::pretrain:
        case Stage::sft: add_text_numbers(out, r); break;
        case Stage::ppo:
        case Stage::grpo: add_policy_numbers(out, r); break;
        default: add_pair_numbers(out, r);
    }
    if (const double ms = sum_of(r.curve("ms")); ms > 0)
        out.emplace_back(text_of_seconds(ms * 1e-3), "in training steps");
    return out;
}

}  // namespace gradus
