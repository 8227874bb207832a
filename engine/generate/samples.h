#pragma once
// What a training run needs for its samples: a cache that is made before the first step.
#include "engine/generate/generator.h"
#include "engine/resolve.h"

namespace gradus {

// Of sample.prompts and sample.tokens; no sequences where the run samples nothing. Where nobody has counted the tokens of
// the prompts, they are taken for as long as their bytes.
Generator::Capacity capacity_of_samples(const Resolved&, const DataFacts&);

}  // namespace gradus
