#pragma once
// Training steps, in the order the mathematics happens. A step is a pure function of the weights, the moments, the number
// of the step and what engine/stability.h remembers: which samples it sees, its learning rate and its dropout all follow.
//
// Of a step's batch, rank r of dp computes the r-th part, in micro-batches; so the samples of a step and their order do not
// depend on the mesh.
#include "engine/optimizer.h"
#include "engine/schedule.h"
#include "engine/stability.h"

namespace gradus {

struct TrainerConfig {
    int batch = 8;        // sequences in a step, on all ranks together
    int micro_batch = 8;  // sequences computed at once on a rank; divides its part of the batch
    int context = 1024;
    double dropout = 0;
    uint64_t seed = 1;
    Schedule schedule;
    OptimizerConfig optimizer;
    StabilityConfig stability;
};

struct StepResult {
    int64_t step = 0;  // the step just done, from 0
    double loss = 0;   // nats per target, before the update
    double grad_norm = 0, lr = 0;
    int64_t tokens = 0;  // targets seen by this step
    Verdict verdict = Verdict::take;
};

class Trainer {
public:
    // The model must be made for (micro_batch, context), to train, and with mesh.tp.
    Trainer(Model&, const TrainerConfig&, const Mesh& = {});

    // The same result on every rank. Weights and moments are as before where the verdict is to skip. But for what a Comm does
    // (engine/comm_staged.h) the host waits for the device once, before the verdict; the update may be under way at the return.
    StepResult step(int64_t step, const NextBatch& next_batch);

    // Forward and backward of one micro-batch, to measure a device (engine/autotune.h). Leaves nothing behind that a step
    // reads.
    void trial_pass(const NextBatch& next_batch);

    Model& model() { return model_; }
    Optimizer& optimizer() { return optimizer_; }
    Stability& stability() { return stability_; }
    const Mesh& mesh() const { return mesh_; }
    size_t bytes() const { return inputs_.bytes(); }  // of its inputs and losses
    const TrainerConfig& config() const { return config_; }
    // False while step() changes the state: where it ended with an exception then, there is nothing to save.
    bool is_complete() const { return complete_; }

private:
    Model& model_;
    TrainerConfig config_;
    Mesh mesh_;
    Optimizer optimizer_;
    Stability stability_;
    Arena inputs_, on_host_;
    Batch batch_;
    Tensor losses_;                    // [batch·T] of this rank's part of the batch
    std::vector<StagedBatch> staged_;  // the step's micro-batches
    HostBatch host_;                   // the one that is being filled
    Tensor host_losses_, host_squared_norm_;
    bool complete_ = true;
};

}  // namespace gradus
