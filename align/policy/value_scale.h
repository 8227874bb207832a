#pragma once
// Where a value model begins: it is a reward model, whose scores are divided by their spread before they are rewards
// (align/advantages/scores.h). With scores of mean μ and standard deviation σ, the values begin on the scale of the rewards:
//
//   v = (w·h − μ)/σ = (w/σ)·h − μ/σ
//
// The head's weight is divided by σ; the constant −μ/σ stays beside the model, since the head has no bias. So what a value
// model learns from is the same for a reward model whose scores are scaled or shifted.
#include "align/advantages/scores.h"
#include "engine/optimizer.h"
#include "engine/score_model.h"

namespace gradus {

// Divides the head's weight, and its master, by σ. Every rank calls it, before the first step.
void scale_to_rewards(ScoreModel&, Optimizer&, const ScoreShape&);
// −μ/σ, for ValueConfig::offset.
double offset_of_values(const ScoreShape&);

}  // namespace gradus
