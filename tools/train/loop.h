#pragma once
// The loop of a pre-training run (engine/loop) with output for people, samples and validation data. It writes to the
// run's folder, in addition to engine/loop/run_log.h:
//
//   samples.jsonl  step, prompt, text
//   checkpoints/   engine/checkpoint/checkpoint.h
#include "engine/loop/training_loop.h"
#include "tools/launch/run_start.h"
#include "tools/train/sample.h"
#include "tools/train/start.h"

namespace gradus {

class TextLoop {
public:
    TextLoop(const Resolved&, const RunData&, const RunBatches&, std::vector<Prompt> samples, TrainingRun);

    // As TrainingLoop::run().
    bool run() { return loop_.run(); }
    const RunState& state() const { return loop_.state(); }

private:
    LoopConfig config_of(const Resolved&) const;
    LoopHooks hooks();
    ValidationResult validate(const std::function<bool()>& stop);
    void show(const ShownStep&);
    void show_validation(int64_t step, const ValidationResult&, double seconds);

    const Resolved& resolved_;
    const RunData& data_;
    const RunBatches& batches_;
    TrainingRun run_;
    const int64_t parameters_;
    const NextBatch next_batch_;
    TextSampler sampler_;
    std::vector<int32_t> bytes_of_ids_;
    ShowRate rate_;
    TrainingLoop loop_;
};

}  // namespace gradus
