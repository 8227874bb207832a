#pragma once
// Updates of a value model from the same experience as the policy's: epochs of minibatches with a clipped square error
// (align/losses/value.h). The value of the state in which id n is chosen is what the model makes of the ids before it, row n − 1.
#include "align/batches/score_pass.h"
#include "align/losses/value.h"
#include "align/policy/experience.h"
#include "align/policy/minibatches.h"
#include "engine/gradient_step.h"

namespace gradus {

struct ValueConfig : UpdateConfig {
    double clip = 0.2;  // ε; 0: none
    double offset = 0;  // added to what the head gives (align/policy/value_scale.h)
    int epochs = 4, minibatches = 1;
    uint64_t seed = 1;
};

struct ValueStats {
    double loss = 0, grad_norm = 0, clip_fraction = 0;  // means over the updates
    double explained_variance = 0;                      // of the returns by the values, before the first update
    double updates = 0, skipped = 0;
};

class ValueUpdate {
public:
    ValueUpdate(ScoreModel&, const ValueConfig&, const Mesh& = {});

    // values[n] of the state in which the learnt id n is chosen, on every rank.
    std::vector<double> values(const Sequences&, int64_t iteration);
    ValueStats run(const Experience&, int64_t iteration);

    GradientStep& gradient_step() { return step_; }
    ScorePass& pass() { return pass_; }
    int64_t updates_per_iteration() const { return int64_t(config_.epochs) * config_.minibatches; }

private:
    void update(const Experience&, const std::vector<int>& minibatch, int64_t number, ValueStats&);

    ScorePass pass_;
    ValueConfig config_;
    GradientStep step_;
};

}  // namespace gradus
