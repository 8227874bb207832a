#include "engine/loop/run_checkpoints.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/log.h"
#include "engine/checkpoint/folders.h"

namespace gradus {

RunCheckpoints::RunCheckpoints(const fs::path& run_folder, const ModelConfig& model, GradientStep& step,
                               const RunState& run, CheckpointPolicy policy, std::function<void()> sync_logs)
    : folder_(run_folder),
      model_(model),
      step_(step),
      policy_(std::move(policy)),
      sync_logs_(std::move(sync_logs)),
      saver_(run_folder, policy_.options),
      saved_step_(run.step) {}

void RunCheckpoints::tell_saved(const std::optional<fs::path>& written) const {
    if (written) tell(fmt::format("saved {}\n", written->string()));
}

TrainingState RunCheckpoints::state_of(const RunState& run) const {
    return {.step = run.step,
            .tokens = run.tokens,
            .seed = policy_.seed,
            .recipe = policy_.recipe,
            .compatible = policy_.identity,
            .stability = step_.stability().state(),
            .rollback_targets = run.rollback_targets,
            .best = run.best,
            .stage = policy_.stage ? policy_.stage() : ""};
}

Snapshot RunCheckpoints::state_in_place() const {
    Snapshot s = Snapshot::of(model_, step_.parameters(), step_.optimizer());
    for (const Companion& c : policy_.companions)
        s.companions.emplace_back(c.folder, Snapshot::of(*c.model, *c.parameters, *c.optimizer));
    return s;
}

void RunCheckpoints::save(RunState& run, bool regular) {
    if (saved_step_ == run.step) return;
    if (policy_.before_save) policy_.before_save();
    if (is_first()) {
        wait();  // one at a time
        if (regular) run.rollback_targets = steps_to_keep(folder_, run.rollback_targets, run.step, policy_.keep);
        sync_logs_();
    }
    if (!policy_.background && policy_.in_place) {
        attempted_step_ = run.step;
        tell_saved(save_checkpoint(folder_, state_in_place(), state_of(run), policy_.options));
    } else {
        Snapshot copy = Snapshot::copy(model_, step_.parameters(), step_.optimizer(), step_.mesh());
        for (const Companion& c : policy_.companions)
            copy.companions.emplace_back(c.folder, Snapshot::copy(*c.model, *c.parameters, *c.optimizer, step_.mesh()));
        attempted_step_ = run.step;
        if (is_first()) {
            saver_.begin(std::move(copy), state_of(run));
            if (!policy_.background) wait();
        }
    }
    saved_step_ = run.step;
}

// After an error, ranks that share the state may be in the middle of other calls, so it cannot be gathered.
void RunCheckpoints::save_before_leaving(const RunState& run) {
    Optimizer& optimizer = step_.optimizer();
    const auto sharded = [](const Companion& c) { return c.optimizer->sharded(); };
    if (!is_first() || step_.mesh().tp.size > 1 || optimizer.sharded() ||
        std::any_of(policy_.companions.begin(), policy_.companions.end(), sharded))
        return;
    try {
        wait();
    } catch (const std::exception&) {}  // about an older step than the one saved now
    if (!is_complete_ || !step_.is_complete() || run.step == 0 || run.step == saved_step_ ||
        run.step == attempted_step_)
        return;
    try {
        sync_logs_();
        tell_saved(save_checkpoint(folder_, state_in_place(), state_of(run), policy_.options));
    } catch (const std::exception& e) {  // possibly for the same reason that ends the run
        if (!saver_.has_failed()) note(fmt::format("step {} could not be saved: {}", run.step, e.what()));
    }
}

std::string RunCheckpoints::rollback_target(const RunState& run, int64_t limit) {
    is_complete_ = false;
    wait();
    std::vector<int64_t> steps = run.rollback_targets;
    std::erase_if(steps, [&](int64_t step) { return step >= limit; });
    const LatestCheckpoint latest = latest_checkpoint(folder_, VerifyLevel::all, step_.mesh().world, steps);
    for (const std::string& damage : latest.notes) note(damage);
    return latest.folder ? latest.folder->string() : "";
}

TrainingState RunCheckpoints::roll_back_to(const std::string& folder) {
    TrainingState state = load_checkpoint(folder, step_.parameters(), model_, step_.optimizer(), step_.mesh(),
                                          Verified::yes, policy_.companions);
    // If the run is killed now, it must not resume from a checkpoint whose steps are no longer in the log.
    if (is_first()) remove_later(folder_, folder, state.best);
    saved_step_ = state.step;
    is_complete_ = true;
    return state;
}

}  // namespace gradus
