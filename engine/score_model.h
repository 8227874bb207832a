#pragma once
// A model with a scalar head and all its memory: a reward model or a value model. Counterpart of
// engine/language_model.h.
#include <memory>

#include "engine/heads/scalar.h"

namespace gradus {

class ScoreModel {
public:
    // Weights are zero until initialise() or load_weights(). Error if the model cannot be divided over tp.
    ScoreModel(const Ops&, const ModelConfig&, DType, BatchShape, Mode, Comm tp);

    const ModelConfig& config() const { return run.model; }
    size_t activation_bytes() const { return compute_.bytes() + step.bytes() + activations.bytes(); }

    // values [N] of the batch's rows, in the accumulator's dtype.
    void forward(const Batch&, Tensor values);
    // For an objective J of the last forward()'s values: grads += ∂J/∂weights, from d_values [N] = ∂J/∂values.
    void backward(const Batch&, Tensor d_values, const BucketDone& = {});

private:
    ComputeStream compute_;

public:
    StepMemory step;
    const Run run;
    Parameters parameters;
    Arena activations;
    const std::unique_ptr<Model> body;
    ScalarHead head;

private:
    Tensor hidden_, d_hidden_;  // [N,C]
};

}  // namespace gradus
