#pragma once
// The steps of a training run, with all that happens between them: the log, validation, samples, checkpoints, the way back
// from a run that diverged, and the request to stop, which leaves a validation or a sample that is under way. Nothing that it
// tells people can fail, so that a closed pipe or a full disk behind them never costs a checkpoint.
//
// Every rank goes the same way through it, since what is decided is decided on numbers that all of them have; the first
// rank alone writes. What it writes into the run's folder:
//
//   log.jsonl      one line a step: step (1 after the first), loss, grad_norm, lr, ms, tokens (targets of this step);
//                  skipped, of a step that was: why (engine/stability.h); rolled_back_from, of the first step after a way
//                  back: the step before it; after a whole validation also val_loss (nats per token) and
//                  val_bits_per_byte
//   events.out.tfevents.*  the same numbers, for TensorBoard
//   samples.jsonl  step, prompt, text
//   checkpoints/   engine/checkpoint/checkpoint.h
#include <chrono>
#include <memory>

#include "engine/base/event_file.h"
#include "engine/base/log.h"
#include "engine/checkpoint/saver.h"
#include "tools/pretrain/sample.h"
#include "tools/pretrain/start.h"

namespace gradus {

class PretrainLoop {
public:
    PretrainLoop(const Resolved&, const PretrainData&, const PretrainBatches&, std::vector<Prompt> samples,
                 TrainingRun);

    // Until all steps are done or a stop is requested; both end with a checkpoint. True: all are done. So does an exception,
    // where this rank has the complete state by itself; it is thrown on.
    bool run();

private:
    using Clock = std::chrono::steady_clock;

    void train();
    StepResult train_step(double& seconds);
    void validate(nlohmann::ordered_json& record);
    TrainingState state() const;
    // A regular checkpoint is one that the run makes whether or not it is stopped: rollbacks lead to those alone.
    void save(bool regular);
    void save_before_leaving();
    std::string rollback_target(int64_t limit);
    void roll_back(Verdict);
    void tell_saved(const std::optional<fs::path>&);
    void open_logs();
    void sync_logs();
    void write(const nlohmann::ordered_json& record);
    void show(const StepResult&, double seconds, bool always);

    const Resolved& resolved_;
    const PretrainData& data_;
    const PretrainBatches& batches_;
    TrainingRun run_;
    const Mesh mesh_;
    const fs::path folder_;
    const int64_t steps_, parameters_;
    // Of the first rank.
    std::optional<JsonLines> log_;
    std::optional<EventFile> events_;
    CheckpointSaver saver_;
    PretrainSampler sampler_;
    std::vector<int32_t> bytes_of_ids_;
    int64_t saved_step_;
    int64_t attempted_step_ = -1;     // the last one whose writing was begun
    bool has_complete_state_ = true;  // of a step that a run may go on from
    std::optional<int64_t> rolled_back_from_;
    int64_t first_step_;
    Clock::time_point start_ = Clock::now(), shown_ = {};
};

}  // namespace gradus
