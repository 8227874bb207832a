#pragma once
// Values of sequences under a model with a scalar head, and gradients of any objective of them. The mirror of
// align/batches/language_pass.h, with a number for every id: values[n] is what the model makes of the ids of the text up to n,
// that one included. A reward model's score of a text is that of its last row; the value of the state in which id n is chosen is that
// of row n − 1.
#include "align/batches/inputs.h"
#include "engine/replays.h"
#include "engine/score_model.h"

namespace gradus {

class ScorePass {
public:
    explicit ScorePass(ScoreModel&);

    void forward(const MicroBatch&, const Sequences&, std::vector<double>& values);
    // Of the last forward(): grads += that of an objective J, from ∂J/∂values.
    void backward(const std::vector<double>& d_values, const BucketDone& = {});
    std::vector<double> values(const std::vector<MicroBatch>&, const Sequences&);

    ScoreModel& model() { return model_; }
    size_t bytes() const { return inputs_.bytes(); }

private:
    ScoreModel& model_;
    SequenceInputs inputs_;
    Replays passes_;  // of a micro-batch: forward, and backward without an exchange
    const Batch* batch_ = nullptr;
};

}  // namespace gradus
