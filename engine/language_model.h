#pragma once
// A model with a language head, and all its memory: what is pre-trained, fine-tuned, evaluated and generated from.
//
// It is the simplest example of composition. A model with another head, or two models, are composed the same way: each
// part declares its weights in one Parameters and its activations in one Arena, then both are allocated.
#include <memory>

#include "engine/heads/language.h"

namespace gradus {

class LanguageModel {
public:
    // Weights are zero until initialise() or a checkpoint fills them. Error if the model is not divisible among the
    // ranks of tp.
    LanguageModel(const Ops&, const ModelConfig&, DType, BatchShape, Mode, Comm tp);

    const ModelConfig& config() const { return run.model; }
    std::vector<Weight>& weights() { return parameters.weights(); }
    const std::vector<Weight>& weights() const { return parameters.weights(); }
    // Of activations, with the workspace of matmuls.
    size_t activation_bytes() const { return compute_.bytes() + step.bytes() + activations.bytes(); }

    // losses [N] of the batch's rows: 0 where the target is ignored. LossConfig{}: plain cross-entropy.
    void loss(const Batch&, Tensor losses, const LossConfig& = {});
    // The same, and grads += gradient of loss_scale · Σ losses, after the step values were uploaded (step.upload());
    // InternalError if they never were. The losses are the same on every rank of tp.
    void loss_and_backward(const Batch&, Tensor losses, const LossConfig& = {}, const BucketDone& = {});
    struct LogProbs {
        Tensor losses,
            log_probs;  // [N], [N] of the batch's targets: 0 where the target is ignored; losses = −log_probs
    };
    // Under softmax(logits/temperature), without dropout.
    void log_probs(const Batch&, const LogProbs&, double temperature = 1);
    struct LogProbGradients {
        Tensor losses, d_log_probs;  // [N], [N]
    };
    // For an objective J of the last log_probs(), at the same temperature: grads += ∂J/∂weights, from d_log_probs =
    // ∂J/∂log_probs.
    void log_probs_backward(const Batch&, const LogProbGradients&, double temperature = 1, const BucketDone& = {});

private:
    ComputeStream compute_;

public:
    StepMemory step;
    const Run run;
    Parameters parameters;
    Arena activations;
    const std::unique_ptr<Model> body;
    LanguageHead head;

private:
    Tensor hidden_, d_hidden_;  // [N,C]; hidden_ of the last log_probs()
};

std::unique_ptr<LanguageModel> make_language_model(const Ops&, const ModelConfig&, DType, BatchShape = {}, Mode = {},
                                                   Comm tp = {});

// The weights that such a model declares on one rank, in the order of declaration: embeddings, blocks, final norm,
// head. They are not allocated.
std::vector<Weight> weights_of(const ModelConfig&);
int64_t parameter_count(const ModelConfig&);

}  // namespace gradus
