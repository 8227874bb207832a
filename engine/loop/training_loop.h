#pragma once
// The steps of a run, with all that happens between them: the log, validation, samples, checkpoints, rollback after the run has
// diverged, and the request to stop, which cuts a validation or a sample short. What a step is, what is validated and
// sampled, and what a person is shown are hooks: every trainer uses this loop.
//
// Every rank takes the same path through it, since decisions are made on numbers that all of them have; the first rank alone
// writes. Nothing that is shown to people can fail, so a closed pipe or a full disk behind it never costs a checkpoint.
#include <chrono>
#include <functional>
#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "engine/loop/run_checkpoints.h"
#include "engine/loop/run_log.h"
#include "engine/loop/validation.h"

namespace gradus {

struct LoopConfig {
    fs::path folder;                                               // of the run; it exists
    int64_t steps = 0;                                             // in all
    int64_t validate_every = 0, sample_every = 0, save_every = 0;  // steps; 0: only at the end, samples never
    double lr = 0;                                                 // peak learning rate, for advice
    CheckpointPolicy checkpoints;
};

// A step as it is shown.
struct ShownStep {
    StepResult result;
    int64_t step = 0, steps = 0;  // steps done, steps in all
    double seconds = 0,
           seconds_per_step = 0;  // of this step; of a step since the run began, with all that lies between
    bool always = false;          // not just one of many
};

struct LoopHooks {
    // Does the step of that number, from 0. With `another`, one more will follow if nothing intervenes.
    std::function<StepResult(int64_t step, bool another)> step;
    // Empty: there is nothing to validate on. `stop` is asked on the way and says the same on every rank.
    std::function<ValidationResult(const std::function<bool()>& stop)> validate = {};
    // Empty: no samples. Called on every rank.
    std::function<void(int64_t step)> sample = {};
    // Files beside the log, such as that of the samples: to the disk; and without what belongs to later steps.
    std::function<void()> sync = {};
    std::function<void(int64_t step)> forget_after = {};

    std::function<void(const ShownStep&)> show = {};
    std::function<void(int64_t step, const ValidationResult&, double seconds)> show_validation = {};
};

class TrainingLoop {
public:
    TrainingLoop(const ModelConfig&, GradientStep&, LoopConfig, LoopHooks, RunState);

    // Until all steps are done or a stop is requested; both end with a checkpoint. True: all are done. An exception saves what this
    // rank has by itself and is thrown on.
    bool run();

private:
    using Clock = std::chrono::steady_clock;

    void train();
    StepResult step(double& seconds);
    void validate(nlohmann::ordered_json& record);
    void roll_back(Verdict);
    void write(const nlohmann::ordered_json& record);
    void show(const StepResult&, double seconds, bool always);
    bool stops() const;  // on every rank alike

    GradientStep& step_;
    const LoopConfig config_;
    const LoopHooks hooks_;
    RunState run_;
    std::optional<RunLog> log_;  // of the first rank
    RunCheckpoints checkpoints_;
    std::optional<int64_t> rolled_back_from_;
    int64_t first_step_;
    Clock::time_point start_ = Clock::now();
};

}  // namespace gradus
