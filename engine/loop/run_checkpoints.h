#pragma once
// When and how a run saves its state: regularly, at its end, when it is stopped, and when an error ends it.
//
// Regular checkpoints are those at multiples of checkpoint.every. Only they are rollback targets, so a run that is
// stopped and resumed behaves like an uninterrupted one.
#include <functional>
#include <optional>
#include <string>

#include "engine/checkpoint/saver.h"
#include "engine/gradient_step.h"
#include "engine/loop/run_state.h"

namespace gradus {

struct CheckpointPolicy {
    Keep keep;
    // A thread writes a copy while training continues; false: training waits.
    bool background = CheckpointSettings{}.background;
    bool in_place = false;  // not in the background: written without a copy of the state; for one rank on the CPU
    SaveOptions options;
    // Recorded in the manifest.
    uint64_t seed = 0;
    std::string recipe, identity;
    std::vector<Companion> companions = {};   // saved and loaded with the run's model
    std::function<std::string()> stage = {};  // what TrainingState::stage is at a save; called on the first rank
    // Called on every rank before a save(), for numbers in `stage` that all ranks compute together. Not after an error.
    std::function<void()> before_save = {};
};

class RunCheckpoints {
public:
    // `sync_logs` is called before a checkpoint that relies on the logs' lines.
    RunCheckpoints(const fs::path& run_folder, const ModelConfig&, GradientStep&, const RunState&, CheckpointPolicy,
                   std::function<void()> sync_logs);

    // Every rank calls it. Does nothing if that step is saved already. Updates `rollback_targets` of the state.
    void save(RunState&, bool regular);
    // After an error: saves the steps since the last checkpoint, if this rank alone has the complete state.
    void save_before_leaving(const RunState&);
    // Reports finished saves; wait() waits for the one in progress.
    void poll() { tell_saved(saver_.finished()); }
    void wait() { tell_saved(saver_.wait()); }

    // The newest undamaged regular checkpoint below that step; the ranks share the reading. Empty: there is none.
    std::string rollback_target(const RunState&, int64_t limit);
    // Loads that checkpoint, on every rank, and removes later ones. Returns its training state.
    TrainingState roll_back_to(const std::string& folder);

private:
    TrainingState state_of(const RunState&) const;
    Snapshot state_in_place() const;
    bool is_first() const { return step_.mesh().world.rank == 0; }
    void tell_saved(const std::optional<fs::path>&) const;

    const fs::path folder_;
    const ModelConfig& model_;
    GradientStep& step_;
    CheckpointPolicy policy_;
    std::function<void()> sync_logs_;
    CheckpointSaver saver_;
    int64_t saved_step_;
    int64_t attempted_step_ = -1;  // the last step whose save began
    bool is_complete_ = true;      // the state can be resumed from
};

}  // namespace gradus
