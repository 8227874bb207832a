#pragma once
// The steps of a run and everything between them: the log, validation, samples, checkpoints, rollback after divergence,
// and the request to stop, which also ends a validation or a sample early. The step itself, validation, sampling and
// output are hooks, so every trainer uses this loop.
//
// Every rank takes the same path through it, since decisions depend only on numbers that all ranks have; only rank 0
// writes. Printing never fails, so a closed pipe or a full disk never prevents a checkpoint.
#include <chrono>
#include <functional>
#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "engine/loop/run_checkpoints.h"
#include "engine/loop/run_log.h"
#include "engine/loop/validation.h"

namespace gradus {

struct LoopConfig {
    fs::path folder;                                               // of the run; must exist
    int64_t steps = 0;                                             // in all
    int64_t validate_every = 0, sample_every = 0, save_every = 0;  // steps; 0: only at the end, samples never
    double lr = 0;                                                 // peak learning rate, for advice
    bool keep_best = false;                                        // the checkpoint of the lowest validation loss
    int64_t patience = 0;  // the run ends after so many validations without a lower loss; 0: never
    CheckpointPolicy checkpoints;
};

// A step to be shown.
struct ShownStep {
    StepResult result;
    int64_t step = 0, steps = 0;  // steps done, steps in all
    double seconds = 0,
           seconds_per_step = 0;  // of this step; the mean since the start, with everything between steps
    bool always = false;          // false: the output may be throttled
};

struct LoopHooks {
    // Runs step number `step`, from 0. `another`: the next step normally follows.
    std::function<StepResult(int64_t step, bool another)> step;
    // Adds other numbers to the step's line in the log, after its validation.
    std::function<void(nlohmann::ordered_json& line)> record = {};
    // Empty: no validation data. `stop` is polled and returns the same on every rank.
    std::function<ValidationResult(const std::function<bool()>& stop)> validate = {};
    // Empty: no samples. Called on every rank.
    std::function<void(int64_t step)> sample = {};
    // For other files, such as the samples: flush to the disk; remove what belongs to later steps.
    std::function<void()> sync = {};
    std::function<void(int64_t step)> remove_after = {};
    // After a rollback: what the checkpoint remembers beside the model (TrainingState::stage).
    std::function<void(const std::string& stage)> restore = {};

    std::function<void(const ShownStep&)> show = {};
    std::function<void(int64_t step, const ValidationResult&, double seconds)> show_validation = {};
};

class TrainingLoop {
public:
    TrainingLoop(const ModelConfig&, GradientStep&, LoopConfig, LoopHooks, RunState);

    // Runs until all steps are done or patience is at its end (returns true), or a stop is requested; all end with a
    // checkpoint. On an exception it saves what this rank can by itself and rethrows.
    bool run();
    const RunState& state() const { return run_; }

private:
    using Clock = std::chrono::steady_clock;

    void train();
    StepResult step(double& seconds);
    bool validate(nlohmann::ordered_json& record);  // whether its loss is the lowest so far
    bool is_over() const;
    void roll_back(Verdict);
    void write(const nlohmann::ordered_json& record);
    void show(const StepResult&, double seconds, bool always);
    bool stops() const;  // the same on every rank

    GradientStep& step_;
    const LoopConfig config_;
    const LoopHooks hooks_;
    RunState run_;
    std::optional<RunLog> log_;  // on rank 0
    RunCheckpoints checkpoints_;
    std::optional<int64_t> rolled_back_from_;
    int64_t first_step_;
    Clock::time_point start_ = Clock::now();
};

}  // namespace gradus
