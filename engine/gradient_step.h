#pragma once
// One optimizer step, for any objective: gradients start at zero or are overwritten, backward passes accumulate, and
// finally the weights are updated or the step is skipped. A trainer consists of this and a way to compute gradients:
//
//   step.begin(n);
//   model.step.upload(step.values(scale), …);
//   for each micro-batch:  forward, and backward(…, last ? step.exchange() : BucketDone{});
//   StepResult r = step.finish(losses, scale, targets);
#include "engine/optimizer.h"
#include "engine/schedule.h"
#include "engine/stability.h"

namespace gradus {

struct UpdateConfig {
    Schedule schedule;
    OptimizerConfig optimizer;
    StabilityConfig stability;
};

struct StepResult {
    int64_t step = 0;  // index of the step, from 0
    double loss = 0;   // nats per target, before the update
    double grad_norm = 0, lr = 0;
    int64_t tokens = 0;  // targets seen by this step
    Verdict verdict = Verdict::take;
};

// What the first backward pass of a step finds in the gradients.
enum class Gradients {
    zero,         // zeros: any number of passes adds to them
    overwritten,  // zeros where passes only add; the first pass, one with Batch::first_of_step, overwrites the others
};

class GradientStep {
public:
    // `rows`: number of this rank's losses on the device in a step.
    GradientStep(Parameters&, const UpdateConfig&, const Mesh&, int64_t rows = 1);

    void begin(int64_t step, Gradients = Gradients::zero);
    // The values of the current step, to be uploaded before the first backward pass: losses are multiplied by
    // loss_scale.
    StepValues values(double loss_scale) const;
    // For the last backward pass of a step: each bucket is summed over the ranks as soon as it is complete. Empty with
    // one rank of dp.
    BucketDone exchange();
    // losses [rows] are on the device; scale · Σ losses over all ranks is the step's loss. The same result on every
    // rank. Weights and moments are unchanged if the step is skipped. Except for a blocking Comm
    // (engine/comm_staged.h), the host synchronises once, before the verdict; the update may still run when this
    // returns.
    StepResult finish(Tensor losses, double scale, int64_t targets);
    // The same where the host knows the loss: `loss` is this rank's term of a sum over dp.
    StepResult finish(double loss, int64_t targets);

    // The step whose samples this step uses: later ones after a rollback, which skips those that led to it.
    int64_t sample_step(int64_t step) const { return step + stability_.state().data_offset; }

    Parameters& parameters() { return parameters_; }
    Optimizer& optimizer() { return optimizer_; }
    Stability& stability() { return stability_; }
    const Stability& stability() const { return stability_; }
    const Mesh& mesh() const { return mesh_; }
    // False while finish() changes the state: after an exception in between, the state must not be saved.
    bool is_complete() const { return complete_; }

private:
    StepResult update(double loss, int64_t targets);

    Parameters& parameters_;
    Schedule schedule_;
    Mesh mesh_;
    Optimizer optimizer_;
    Stability stability_;
    Arena on_host_;
    Tensor host_losses_, host_squared_norm_;
    int64_t step_ = -1;  // the current step
    double lr_ = 0;      // its learning rate
    bool complete_ = true;
};

}  // namespace gradus
