#pragma once
// The loop of a pre-training run (engine/loop) with output for people, samples and validation data. It writes to the
// run's folder, in addition to engine/loop/run_log.h:
//
//   samples.jsonl  step, prompt, text
//   checkpoints/   engine/checkpoint/checkpoint.h
#include "engine/loop/training_loop.h"
#include "tools/pretrain/sample.h"
#include "tools/pretrain/start.h"

namespace gradus {

class PretrainLoop {
public:
    PretrainLoop(const Resolved&, const PretrainData&, const PretrainBatches&, std::vector<Prompt> samples,
                 TrainingRun);

    // As TrainingLoop::run().
    bool run() { return loop_.run(); }

private:
    LoopConfig config_of(const Resolved&) const;
    LoopHooks hooks();
    ValidationResult validate(const std::function<bool()>& stop);
    void show(const ShownStep&);
    void show_validation(int64_t step, const ValidationResult&, double seconds);

    const Resolved& resolved_;
    const PretrainData& data_;
    const PretrainBatches& batches_;
    TrainingRun run_;
    const int64_t parameters_;
    const NextBatch next_batch_;
    PretrainSampler sampler_;
    std::vector<int32_t> bytes_of_ids_;
    std::chrono::steady_clock::time_point shown_ = {};
    TrainingLoop loop_;
};

}  // namespace gradus
