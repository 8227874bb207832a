#pragma once
// Log-probabilities of sequences under a language model, and gradients of any objective of them.
//
// Every loss of align/ that trains a policy reaches the logits through ℓ_t = log p(id_t | ids before it), p = softmax(logits/τ):
// supervised fine-tuning, DPO, PPO, GRPO. It is computed on the host, in double, from the log-probabilities; what goes back is one
// coefficient for each learnt id, ∂J/∂ℓ_t, from which one backward pass makes all gradients (engine/heads/language.h).
//
//   pass.forward(micro_batch, sequences, log_probs);          log_probs[n] of the learnt ids of the micro-batch
//   … coefficients[n] = ∂J/∂log_probs[n] …
//   pass.backward(coefficients, last ? step.exchange() : BucketDone{});
#include "align/batches/inputs.h"
#include "engine/language_model.h"
#include "engine/replays.h"

namespace gradus {

class LanguagePass {
public:
    // Micro-batches have the model's B and T. Dropout is off.
    explicit LanguagePass(LanguageModel&, double temperature = 1);

    void forward(const MicroBatch&, const Sequences&, std::vector<double>& log_probs);
    // Of the last forward(): grads += that of J.
    void backward(const std::vector<double>& coefficients, const BucketDone& = {});
    // Without gradients, of all micro-batches.
    std::vector<double> log_probs(const std::vector<MicroBatch>&, const Sequences&);

    LanguageModel& model() { return model_; }
    size_t bytes() const { return inputs_.bytes(); }

private:
    LanguageModel& model_;
    double temperature_;
    SequenceInputs inputs_;
    Replays passes_;  // of a micro-batch: forward, and backward without an exchange
    const Batch* batch_ = nullptr;
};

}  // namespace gradus
