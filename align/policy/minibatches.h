#pragma once
// The minibatches of one pass over sampled answers: in each epoch all answers, in an order of its own, are dealt to equal
// minibatches, and each rank of dp computes its part of every one. So which answers share an update depends on the seed alone,
// and not on the mesh.
#include <cstdint>
#include <vector>

#include "align/batches/share.h"

namespace gradus {

// Which answers are in each minibatch: a pure function of (seed, epoch).
std::vector<std::vector<int>> minibatches(int answers, int count, uint64_t seed, int epoch);

}  // namespace gradus
