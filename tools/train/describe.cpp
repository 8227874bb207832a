#include "tools/train/describe.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/base/plural.h"
#include "engine/plan/plan.h"
#include "tools/device.h"

namespace gradus {

namespace {

// Up to about four epochs are nearly as good as new text (Muennighoff et al. 2023, Scaling Data-Constrained Language
// Models).
constexpr double most_epochs = 4;

// Epochs over the training data; empty while train.minutes has not yet determined the steps.
std::optional<double> epochs(const Resolved& r, const RunBatches& batches) {
    if (double(r.config.train.steps) >= largest_count) return std::nullopt;
    return double(r.config.train.steps) * double(r.tokens_per_step) /
           double(std::max<int64_t>(1, batches.train_tokens()));
}

std::string text_of_epochs(double n) {
    if (n >= 100) return text_of_whole(std::llround(n)) + " epochs";
    return fmt::format("{:.{}f} epochs", n, n < 10 ? 2 : 1);
}

// A setting that shortens the run to that share of its length.
std::string shorter_run(const Resolved& r, double share) {
    if (r.config.train.minutes > 0) return fmt::format("--set train.minutes={:.2g}", r.config.train.minutes * share);
    return fmt::format("--set train.steps={}", std::max<int64_t>(1, int64_t(double(r.config.train.steps) * share)));
}

}  // namespace

void describe_run(const Resolved& r, const RunData& data, const RunBatches& batches) {
    const ModelConfig& m = r.model;
    std::string heads = number_of(m.H, "head");
    if (m.G != m.H) heads += " on " + number_of(m.G, "key/value head");
    tell(fmt::format("model    {}, {}, width {}, {}, vocabulary {}: {}\n", r.config.model.family,
                     number_of(m.L, "layer"), m.C, heads, text_of_whole(m.V),
                     number_of(parameter_count(m), "parameter")));
    const auto seen = epochs(r, batches);
    tell(fmt::format("data     {}: {} to train on, {} to validate on{}\n",
                     data.rows ? data.source : data.train.front().string(), number_of(batches.train_tokens(), "token"),
                     batches.val_tokens() > 0 ? text_of_whole(batches.val_tokens()) : "none",
                     seen ? "; " + text_of_epochs(*seen) : ""));
    tell(fmt::format("batch    {} of {} = {} a step, {} at once, {} on {}{}\n", number_of(r.trainer.batch, "sequence"),
                     r.trainer.context, number_of(r.tokens_per_step, "token"), r.trainer.micro_batch,
                     r.config.train.dtype, r.config.train.device, r.mode.recompute ? ", activations recomputed" : ""));
}

void describe_memory(const RunMemory& m, int ranks, const std::string& more) {
    const auto mib = [](double bytes) { return text_of_mib(size_t(bytes)); };
    std::string text = fmt::format("memory   {}params {}  grads {}  optimizer {}  activations {}  inputs {}",
                                   ranks > 1 ? "of a rank: " : "", mib(m.params), mib(m.grads), mib(m.optimizer),
                                   mib(m.activations), mib(m.inputs));
    if (m.samples > 0) text += fmt::format("  samples {}", mib(m.samples));
    if (m.others > 0) text += fmt::format("  other {}", mib(m.others));
    const double together = m.params + m.grads + m.optimizer + m.activations + m.inputs + m.samples + m.others;
    tell(fmt::format("{}  together {} MiB{}\n", text, mib(together), more));
}

void note_warnings(const Resolved& r, const RunBatches& batches) {
    for (const std::string& text : r.notes) note(text);
    const auto seen = epochs(r, batches);
    if (seen && *seen > most_epochs)
        note(fmt::format(
            "{} of the same text: beyond about {} a model improves little and begins to memorise; use more data, or {}",
            text_of_epochs(*seen), most_epochs, shorter_run(r, most_epochs / *seen)));
    if (batches.val_tokens() > 0 && r.config.validation.windows > batches.val_windows())
        note(fmt::format("validation.windows = {}, and the validation text has {}", r.config.validation.windows,
                         batches.val_windows()));
}

void describe_dry_run(const Resolved& r, const RunData& data, const std::optional<ResumePoint>& resume, int ranks) {
    const bool cpu = !r.cuda;
    PlanRequest request{.config = r.config,
                        .data = data.facts,
                        .base = r.model,
                        .devices = parse_devices(fmt::format("{}x{}", ranks, cpu ? "cpu" : "H100")),
                        .threads = threads_in_use()};
    if (cpu) request.memory_gib = gib_of_this_machine() / ranks;
    const Plan plan = make_plan(request);
    const MemoryPlan& m = plan.memory;
    std::string fits;
    if (cpu)
        fits = fmt::format(" (of {}: {})", text_of_mib(size_t(plan.memory_limit)),
                           plan.fits() ? "fits" : "DOES NOT FIT; gradus plan says what would");
    const double optimizer = m.masters + m.moments, activations = m.activations + m.workspace,
                 inputs = m.inputs + m.validation;
    describe_memory({.params = m.params,
                     .grads = m.gradients,
                     .optimizer = optimizer,
                     .activations = activations,
                     .inputs = inputs,
                     .samples = m.samples,
                     .others = m.total() - m.params - m.gradients - optimizer - activations - inputs - m.samples},
                    ranks, ", planned" + fits);
    if (r.cuda && cuda_devices() == 0) tell("device   no GPU is visible on this machine\n");
    const std::string steps =
        double(r.config.train.steps) >= largest_count
            ? fmt::format("{} {}", r.config.train.minutes, r.config.train.minutes == 1 ? "minute" : "minutes")
            : number_of(r.config.train.steps, "step");
    std::string next = fmt::format("train in '{}' for {}", r.config.run.dir, steps);
    if (resume)
        next = resume->state.step >= r.config.train.steps
                   ? fmt::format("do nothing: all of {} are done", steps)
                   : fmt::format("resume after step {} of {}, from {}", resume->state.step, steps,
                                 resume->folder.string());
    tell(fmt::format("dry run: nothing was written; without --dry-run it would {}\n", next));
}

}  // namespace gradus
