#include "engine/loop/training_loop.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <utility>

#include "engine/base/signals.h"

namespace gradus {

namespace {

bool is_due(int64_t step, int64_t every) { return every > 0 && step % every == 0; }

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TrainingLoop::TrainingLoop(const ModelConfig& model, GradientStep& step, LoopConfig config, LoopHooks hooks,
                           RunState run)
    : step_(step),
      config_(std::move(config)),
      hooks_(std::move(hooks)),
      run_(std::move(run)),
      checkpoints_(config_.folder, model, step, run_, config_.checkpoints,
                   [this] {
                       log_->sync();
                       if (hooks_.sync) hooks_.sync();
                   }),
      first_step_(run_.step) {
    if (step_.mesh().world.rank == 0) log_.emplace(config_.folder, run_.step);
}

bool TrainingLoop::stops() const { return step_.mesh().world.any(stop_requested()); }

void TrainingLoop::write(const nlohmann::ordered_json& record) {
    if (log_) log_->write(record);
}

StepResult TrainingLoop::step(double& seconds) {
    const auto before = Clock::now();
    const StepResult result = hooks_.step(run_.step, run_.step + 1 < config_.steps);
    seconds = seconds_since(before);
    ++run_.step;
    run_.tokens += result.tokens;
    return result;
}

void TrainingLoop::show(const StepResult& result, double seconds, bool always) {
    if (!hooks_.show) return;
    hooks_.show({.result = result,
                 .step = run_.step,
                 .steps = config_.steps,
                 .seconds = seconds,
                 .seconds_per_step = seconds_since(start_) / double(run_.step - first_step_),
                 .always = always});
}

bool TrainingLoop::is_over() const {
    return run_.step == config_.steps || (config_.patience > 0 && run_.best.without >= config_.patience);
}

bool TrainingLoop::validate(nlohmann::ordered_json& record) {
    const auto before = Clock::now();
    const ValidationResult v = hooks_.validate([this] { return stops(); });
    if (!v.complete) return false;
    record["val_loss"] = v.loss();
    if (v.bytes > 0) record["val_bits_per_byte"] = v.bits_per_byte();
    if (hooks_.show_validation) hooks_.show_validation(run_.step, v, seconds_since(before));
    const Comm& world = step_.mesh().world;
    const bool better = world.any(world.rank == 0 && run_.best.improves(v.loss()));
    run_.best.add(run_.step, v.loss(), better, config_.keep_best);
    return better;
}

// Collective.
void TrainingLoop::roll_back(Verdict verdict) {
    Stability& stability = step_.stability();
    const int64_t limit = stability.rollback_limit(run_.step), undone = run_.step;
    const bool again = run_.step <= stability.state().diverged_at;
    const std::string from = checkpoints_.rollback_target(run_, limit);
    if (from.empty())
        throw Error(fmt::format("training diverged at step {}", run_.step),
                    fmt::format("{} for {} steps in a row, at {:.2g} times the recipe's learning rate, and {}",
                                name_of(verdict), stability.state().skipped_in_a_row, stability.state().rate,
                                again ? fmt::format("no checkpoint before step {} is kept", limit)
                                      : "there is no checkpoint to roll back to"),
                    fmt::format("--set optimizer.lr={:.1e} --set run.dir=OTHER; a longer optimizer.warmup, or "
                                "train.dtype=f32, may help too",
                                config_.lr / 3));
    const TrainingState state = checkpoints_.roll_back_to(from);
    stability.rolled_back(state.stability, undone, state.step);
    run_.step = state.step;
    run_.tokens = state.tokens;
    run_.best = state.best;
    std::erase_if(run_.rollback_targets, [&](int64_t step) { return step > state.step; });
    note(
        fmt::format("rolled back from step {} to the checkpoint of step {}; the batches in between are skipped, and "
                    "the learning rate is {:.3g} times the recipe's",
                    undone, state.step, stability.state().rate));
    rolled_back_from_ = undone;
    first_step_ = run_.step;
    start_ = Clock::now();
    if (hooks_.remove_after) hooks_.remove_after(run_.step);
    if (hooks_.restore) hooks_.restore(state.stage);
    if (log_) log_->remove_after(run_.step);
}

bool TrainingLoop::run() {
    try {
        train();
    } catch (...) {
        checkpoints_.save_before_leaving(run_);
        throw;
    }
    return is_over();
}

void TrainingLoop::train() {
    const LoopConfig& c = config_;
    while (!is_over() && !stops()) {
        double seconds = 0;
        const StepResult s = step(seconds);
        const bool last = run_.step == c.steps, taken = s.verdict == Verdict::take;
        const bool validates = hooks_.validate && (last || is_due(run_.step, c.validate_every));
        show(s, seconds, last || validates || !taken || run_.step == first_step_ + 1);
        if (!taken) note(fmt::format("step {} is skipped: {}", run_.step, name_of(s.verdict)));
        if (step_.stability().must_roll_back()) {
            roll_back(s.verdict);
            continue;
        }

        nlohmann::ordered_json record = {{"step", run_.step}, {"loss", s.loss},      {"grad_norm", s.grad_norm},
                                         {"lr", s.lr},        {"ms", seconds * 1e3}, {"tokens", s.tokens}};
        if (!taken) record["skipped"] = name_of(s.verdict);
        if (rolled_back_from_) record["rolled_back_from"] = *std::exchange(rolled_back_from_, std::nullopt);
        bool best = false;
        try {
            if (validates) best = validate(record) && c.keep_best;
        } catch (...) {  // the step itself is complete
            write(record);
            throw;
        }
        if (hooks_.record) hooks_.record(record);
        write(record);
        if (hooks_.sample && (is_due(run_.step, c.sample_every) || (last && c.sample_every > 0)))
            hooks_.sample(run_.step);
        // The state between skipped steps is not a good rollback target.
        const bool regular = taken && is_due(run_.step, c.save_every);
        if (regular || last || best) checkpoints_.save(run_, regular);
        checkpoints_.poll();
    }
    if (run_.step > 0) checkpoints_.save(run_, false);
    checkpoints_.wait();
}

}  // namespace gradus
