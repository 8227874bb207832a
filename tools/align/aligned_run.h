#pragma once
// What the runs of gradus reward, dpo, ppo and grpo have in common: the folder of the run with its lock, the model to start from
// with its tokenizer and chat template, the ranks, and the loop.
#include <memory>
#include <optional>

#include "engine/loop/training_loop.h"
#include "engine/score_model.h"
#include "tools/align/demonstrations.h"
#include "tools/device.h"
#include "tools/launch/run_command.h"
#include "tools/launch/run_start.h"
#include "tools/train/start.h"

namespace gradus {

class AlignedRun {
public:
    // Locks the run's folder and finds the checkpoint to resume from; opens model.from.
    AlignedRun(MpiWorld&, const Config&, const RunCommand&);

    Config& config() { return config_; }
    const ChatEncoder& chat() const { return model_.chat; }
    const ModelConfig& base() const { return base_; }
    const std::optional<ResumePoint>& resume() const { return resume_; }

    // Completes the settings, once train.steps is known; `identity` is of everything that is learnt from. False: the run
    // has done all of its steps.
    bool resolve(const std::string& identity, bool validates);
    const Resolved& resolved() const { return resolved_; }
    const Mesh& mesh() const { return mesh_; }
    const Ops& ops() const { return ops_; }
    bool is_first() const { return world_.rank() == 0; }

    std::unique_ptr<LanguageModel> language_model(Mode) const;
    std::unique_ptr<ScoreModel> score_model(Mode) const;
    // The weights of a folder; with an optimizer as precisely as they are stored.
    void load(Parameters&, const fs::path& folder, Optimizer* = nullptr) const;
    const fs::path& base_folder() const { return model_.folder; }

    // Fills models and optimizers from the checkpoint to resume from, if there is one. Returns its `stage`.
    std::string load_state(GradientStep&, const std::vector<Companion>& = {});
    // What a checkpoint holds in addition to the model (engine/loop/run_checkpoints.h).
    struct Saved {
        std::vector<Companion> companions = {};
        std::function<std::string()> stage = {};
        std::function<void()> before_save = {};
    };
    // Runs the loop to its end and prints the `next` command.
    void loop(GradientStep&, LoopHooks, Saved, const std::string& next);

private:
    MpiWorld& world_;
    Config config_;
    const Ops& ops_;
    std::optional<FolderLock> lock_;
    bool is_new_ = false;
    std::optional<ResumePoint> resume_;
    LockedFolder from_;
    ChatModel model_;
    ModelConfig base_;
    Resolved resolved_;
    std::optional<RankComms> comms_;
    Mesh mesh_;
    RunState state_;
};

// Of a checkpoint that a run learns from, to tell it from others; "" for a folder without a manifest.
std::string fingerprint(const fs::path& folder);

// A line of a step: "step 12/100  loss 0.5812  accuracy 0.71  …".
std::string step_line(const ShownStep&, const std::string& more);

}  // namespace gradus
