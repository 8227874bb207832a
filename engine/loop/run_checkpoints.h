#pragma once
// When and how a run saves its state: regularly, at its end, when it is stopped, and when an error ends it.
//
// Regular checkpoints are those that the run makes whether or not it is stopped: rollbacks lead to those alone, so that a
// stopped and resumed run decides as the run would have.
#include <functional>
#include <optional>
#include <string>

#include "engine/checkpoint/saver.h"
#include "engine/gradient_step.h"
#include "engine/loop/run_state.h"

namespace gradus {

struct CheckpointPolicy {
    Keep keep;
    // A thread writes a copy while training goes on; false: training waits.
    bool background = CheckpointSettings{}.background;
    bool in_place = false;  // without background: written from where the state is, without a copy; one rank on the CPU
    SaveOptions options;
    // What a checkpoint says of its run.
    uint64_t seed = 0;
    std::string recipe, identity;
};

class RunCheckpoints {
public:
    // `sync_logs` is called before a checkpoint that counts on their lines.
    RunCheckpoints(const fs::path& run_folder, const ModelConfig&, GradientStep&, const RunState&, CheckpointPolicy,
                   std::function<void()> sync_logs);

    // Every rank calls. Does nothing where that step is saved already. `rollback_targets` of the state is brought up to date.
    void save(RunState&, bool regular);
    // After an error: the steps since the last checkpoint, where this rank has the complete state by itself.
    void save_before_leaving(const RunState&);
    // Says which saves have ended since; wait(): after the one under way.
    void poll() { tell_saved(saver_.finished()); }
    void wait() { tell_saved(saver_.wait()); }

    // The newest undamaged regular checkpoint below that step; the ranks share the reading. Empty: there is none.
    std::string rollback_target(const RunState&, int64_t limit);
    // Fills the state from that checkpoint, on every rank, and removes those after it. Returns what it says of the run.
    TrainingState roll_back_to(const std::string& folder);

private:
    TrainingState state_of(const RunState&) const;
    bool is_first() const { return step_.mesh().world.rank == 0; }
    void tell_saved(const std::optional<fs::path>&) const;

    const fs::path folder_;
    const ModelConfig& model_;
    GradientStep& step_;
    CheckpointPolicy policy_;
    std::function<void()> sync_logs_;
    CheckpointSaver saver_;
    int64_t saved_step_;
    int64_t attempted_step_ = -1;  // the last one whose writing began
    bool is_complete_ = true;      // the state is that of a step that a run may go on from
};

}  // namespace gradus
