#pragma once
// Initialization of the weights as in GPT-2: N(0, init_std²), projections into the residual stream scaled by 1/√(2L),
// gains one, biases zero. Element i of the complete weight `name` is a function of only (seed, name, i): the same bits
// for any number of threads and ranks.
#include "engine/language_model.h"

namespace gradus {

void initialise(Parameters&, const ModelConfig&, uint64_t seed);
inline void initialise(LanguageModel& m, uint64_t seed) { initialise(m.parameters, m.config(), seed); }

}  // namespace gradus
