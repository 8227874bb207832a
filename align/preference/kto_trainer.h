#pragma once
// Training steps of a policy on single answers of which each is known to be desirable or not: KTO (align/losses/kto.h).
//
// The reference point z0 is the mean log-ratio of mismatched answers: each example carries the text of its prompt with an answer to
// another prompt (align/preference/mismatch.h). A step first computes z0 over the whole batch of all ranks, by a forward pass
// over the mismatched texts; then one forward and one backward pass over the answers. Which answer an example is mismatched with
// is fixed, so the reference's log-probabilities of both texts are computed once, and no second model is needed.
// Source: Ethayarajh et al. 2024.
#include "align/batches/language_pass.h"
#include "align/losses/kto.h"
#include "engine/gradient_step.h"

namespace gradus {

struct LabelledExample {
    Sequence text;        // prompt and answer; learnt: the answer
    Sequence mismatched;  // the prompt and an answer to another one; without ids: there is none that fits
    bool desirable = false;
    double reference = 0, reference_mismatched = 0;  // the reference's Σ log p of each answer
};

struct KtoTrainerConfig : UpdateConfig {
    KtoConfig loss;
};

// Means over the answers with one label; NaN where there are none.
struct KtoMeans {
    double reward = 0;    // β·Δ
    double log_prob = 0;  // nats per token
};

class KtoTrainer {
public:
    KtoTrainer(LanguageModel&, const KtoTrainerConfig&, const Mesh& = {});

    struct Result : StepResult {
        double kl = 0;  // z0, nats per answer
        KtoMeans desirable, undesirable;
    };
    // A step on the whole batch, which every rank is given; each rank of dp computes its part. Loss per answer.
    Result step(int64_t step, const std::vector<LabelledExample>& batch);

    // Loss of answers that are held out, with their own z0, the same on every rank.
    struct Held {
        double loss = 0;  // summed over the answers
        double kl = 0;
        KtoMeans desirable, undesirable;
    };
    Held judge(const std::vector<LabelledExample>&);

    GradientStep& gradient_step() { return step_; }
    LanguageModel& model() { return pass_.model(); }

private:
    LanguagePass pass_;
    KtoTrainerConfig config_;
    GradientStep step_;
};

// Fills the reference's sums from a model, shared out over the ranks of dp.
void add_reference(LanguagePass& reference, std::vector<LabelledExample>&, const Comm& dp);

}  // namespace gradus
