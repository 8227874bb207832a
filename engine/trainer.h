#pragma once
// Training steps for next-token prediction. A step is a pure function of the weights, the moments, the index of the
// step and the state of engine/stability.h, which determine its samples, learning rate, dropout and noise.
//
// Rank r of dp computes the r-th part of a step's batch, in micro-batches, so the samples of a step and their order do
// not depend on the mesh. engine/gradient_step.h has the parts that other objectives share.
#include "engine/gradient_step.h"
#include "engine/language_model.h"
#include "engine/replays.h"
#include "engine/settings/train.h"

namespace gradus {

struct TrainerConfig : UpdateConfig {
    // These three must be given.
    int batch = 0;        // sequences in a step, on all ranks together
    int micro_batch = 0;  // sequences per pass on a rank; divides its part of the batch
    int context = 0;      // tokens in a sequence
    double dropout = TrainSettings{}.dropout;
    double noise = 0;  // α on the embeddings (engine/noise.h); 0: none
    uint64_t seed = uint64_t(TrainSettings{}.seed);
    LossConfig loss;
};

class Trainer {
public:
    // The model must be made for (micro_batch, context), to train, and with mesh.tp.
    Trainer(LanguageModel&, const TrainerConfig&, const Mesh& = {});

    // begin(), accumulate() for every micro-batch, finish(). If `another` step follows, its batch is prepared on the
    // host while the device works on this one.
    StepResult step(int64_t step, const NextBatch& next_batch, bool another = false);

    void begin(int64_t step, const NextBatch& next_batch);
    void accumulate(int micro_batch);  // all of them, in order
    StepResult finish();
    int micro_batches() const { return micro_batches_; }

    // Forward and backward of one micro-batch, to time matmuls (engine/autotune.h). Does not change the results of
    // later steps.
    void trial_pass(const NextBatch& next_batch);

    LanguageModel& model() { return model_; }
    GradientStep& gradient_step() { return step_; }
    Optimizer& optimizer() { return step_.optimizer(); }
    Stability& stability() { return step_.stability(); }
    const Mesh& mesh() const { return step_.mesh(); }
    size_t bytes() const { return inputs_.bytes(); }  // of its inputs and losses
    const TrainerConfig& config() const { return config_; }
    bool is_complete() const { return step_.is_complete(); }

private:
    struct Prepared {  // the batch of a step on the host
        int64_t first_sample = -1;
        std::vector<StagedBatch> micro_batches;
        Tensor amplitudes;   // [batch·T] of this rank's part of the batch, if there is noise
        double targets = 0;  // of this rank
    };
    int64_t first_sample(int64_t step) const;
    void prepare(Prepared&, int64_t first_sample, const NextBatch& next_batch);

    LanguageModel& model_;
    TrainerConfig config_;
    int micro_batches_;
    int64_t first_of_rank_;  // this rank's first sample of a batch
    GradientStep step_;
    Arena inputs_, on_host_;
    Batch batch_;
    Replays passes_;        // of a micro-batch whose gradients are not exchanged, by Batch::causal and first_of_step
    Tensor losses_;         // [batch·T] of this rank's part of the batch
    Tensor pass_losses_;    // [B·T] of a micro-batch
    Tensor amplitudes_;     // [B·T] of a micro-batch, if there is noise
    HostBatch host_;        // for filling a batch
    Prepared now_, after_;  // for this step and the next one
    double targets_ = 0, scale_ = 0;
};

}  // namespace gradus
