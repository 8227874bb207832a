#pragma once
// The options of the commands that sample from a model's distribution.
#include "engine/generate/sampling.h"
#include "tools/cli.h"

namespace gradus {

// --temperature, --top-k, --top-p, --min-p, --repetition-penalty and --seed, with the defaults that `sampling` has.
void add_sampling_options(CLI::App&, Sampling& sampling);

}  // namespace gradus
