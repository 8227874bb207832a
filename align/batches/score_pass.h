#pragma once
// Values of sequences under a model with a scalar head, and gradients of any objective of them. The mirror of
// align/batches/language_pass.h, with an entry for every id: values[s][t] is what the model makes of the ids up to t, that one
// included. A reward model's score of a text is the entry of its last id; the value of the state in which id t is chosen is the entry
// of id t − 1.
#include "align/batches/inputs.h"
#include "engine/score_model.h"

namespace gradus {

class ScorePass {
public:
    explicit ScorePass(ScoreModel&);

    void forward(const MicroBatch&, const std::vector<Sequence>&, PerId& values);
    // Of the last forward(): grads += that of an objective J, from ∂J/∂values.
    void backward(const PerId& d_values, const BucketDone& = {});
    PerId values(const std::vector<MicroBatch>&, const std::vector<Sequence>&);

    ScoreModel& model() { return model_; }
    size_t bytes() const { return inputs_.bytes(); }

private:
    ScoreModel& model_;
    SequenceInputs inputs_;
    const Batch* batch_ = nullptr;
};

}  // namespace gradus
