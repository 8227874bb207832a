// Pre-training and fine-tuning: losses, and what they cost.
#include <fmt/format.h>

#include "engine/base/log.h"
#include "tools/report/stage_charts.h"

namespace gradus {

namespace {

constexpr double first_steps = 0.02;  // fraction of the steps whose high loss may be outside the frame

std::string remark_on_validation(const Curve& loss) {
    constexpr double clearly = 1.02;
    if (loss.size() < 3 || !(loss.back().y > clearly * least_of(loss))) return "";
    double best = 0;
    for (const Point& p : loss)
        if (p.y == least_of(loss)) best = p.x;
    return fmt::format("the validation loss was lowest after step {}: since then the model memorises",
                       text_of_whole(int64_t(best)));
}

}  // namespace

void add_text_charts(ChartList& charts, const ReportRun& run) {
    const Curve& val_loss = charts.take("val_loss");
    charts.add_with_log({.title = "Loss, nats per token",
                         .note = "Good: both fall, and validation stays close to training.",
                         .series = {{"training", charts.take("loss")}, {"validation", val_loss, true}},
                         .outliers = first_steps,
                         .remark = remark_on_validation(val_loss)});
    Chart bits = {.title = "Bits per byte of the validation text",
                  .series = {{"this model", charts.take("val_bits_per_byte"), true}}};
    for (const auto& [name, value] : run.baselines) bits.marks.push_back({name, value});
    bits.marks_name = "baselines";
    charts.add(bits);
    charts.add_optimizer();
    charts.add_tokens_per_second(run.stage == Stage::sft ? "Learnt tokens per second" : "Tokens per second");
}

}  // namespace gradus
