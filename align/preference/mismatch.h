#pragma once
// Which other answer an example's prompt is paired with, for KTO's estimate of KL(π ‖ ref): an answer to another prompt.
//
// The examples are put in an order that is a function of the seed, and each gets the answer of the next one, in a circle, whose
// prompt is another. So the answers of a data set are used about equally often, whatever its order: in a file of pairs the
// next line would answer the same prompt, and every second one would be a good answer.
#include <cstdint>
#include <vector>

namespace gradus {

// Of each example that of its partner; prompts[i] identifies the prompt of example i. −1 for all if there is only one prompt.
std::vector<int> partners_of_other_prompts(const std::vector<uint64_t>& prompts, uint64_t seed);

}  // namespace gradus
