#pragma once
// Training steps, in the order the mathematics happens. A step is a pure function of the weights, the moments and the
// number of the step: which samples it sees, its learning rate and its dropout all follow from that number.
#include "engine/optimizer.h"
#include "engine/schedule.h"

namespace gradus {

struct TrainerConfig {
    int batch = 8;        // sequences in a step
    int micro_batch = 8;  // sequences computed at once; divides batch
    int context = 1024;
    double dropout = 0;
    uint64_t seed = 1;
    Schedule schedule;
    OptimizerConfig optimizer;
};

struct StepResult {
    int64_t step = 0;  // the step just done, from 0
    double loss = 0;   // nats per target, before the update
    double grad_norm = 0, lr = 0;
    int64_t tokens = 0;  // targets seen by this step
};

struct ValidationResult {
    double nats = 0;  // summed over all targets
    int64_t targets = 0;
    double bytes = 0;   // of text that the targets spell
    bool whole = true;  // false: stopped before the last window
    double loss() const { return nats / double(targets); }
    double bits_per_byte() const;
};

class Trainer {
public:
    // The model must be made for (micro_batch, context) and to train.
    Trainer(Model&, const TrainerConfig&);

    StepResult step(int64_t step, const NextBatch& next_batch);

    Model& model() { return model_; }
    Optimizer& optimizer() { return optimizer_; }
    const TrainerConfig& config() const { return config_; }

private:
    Model& model_;
    TrainerConfig config_;
    Optimizer optimizer_;
    Arena inputs_;
    Batch batch_;
    Tensor losses_;                // [batch·T]
    std::vector<HostBatch> host_;  // the step's micro-batches
};

// The plain cross-entropy of `windows` sequences (of the model's context), whatever the loss of training adds to it: so
// that its nats and bits per byte compare with those of any other run. `bytes_of` gives the length of each id's text.
// `stop` is asked before each batch.
ValidationResult validate_loss(Model&, int64_t windows, const NextBatch& next_batch,
                               const std::vector<int32_t>& bytes_of, const std::function<bool()>& stop = {});

}  // namespace gradus
