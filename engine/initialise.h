#pragma once
// First values of the weights, as GPT-2 published them: N(0, 0.02²), the projections into the residual stream scaled by
// 1/√(2L), gains one, biases zero. Element i of tensor `name`, counted on
// one rank, is a function of (seed, name, i) alone: the same bits for any number of threads.
#include "engine/language_model.h"

namespace gradus {

void initialise(Parameters&, const ModelConfig&, uint64_t seed);
inline void initialise(LanguageModel& m, uint64_t seed) { initialise(m.parameters, m.config(), seed); }

}  // namespace gradus
