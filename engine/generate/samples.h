#pragma once
// The size of the KV cache for a training run's samples, which is allocated before the first step.
#include "engine/generate/generator.h"
#include "engine/resolve.h"

namespace gradus {

// From sample.prompts and sample.tokens; no sequences if the run has no samples. If the prompts' tokens have not been
// counted, the number of bytes is the upper bound.
Generator::Capacity capacity_of_samples(const Resolved&, const DataFacts&);

}  // namespace gradus
