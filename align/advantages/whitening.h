#pragma once
// Whitening of advantages (and of rewards) by the moments of all learnt rows of the batch, over all ranks:
//
//   x ← (x − mean) / √(variance + 1e-8)             shift_mean
//   x ← (x − mean) / √(variance + 1e-8) + mean      else, as rewards are whitened
//
// The variance is biased. A rank that whitens by its own rows alone computes something else: add the moments first.
// Source: Ziegler et al. 2019 and its code (lm-human-preferences).
#include "align/advantages/moments.h"

namespace gradus {

// Rows that are not learnt stay as they are.
void whiten(std::span<double> x, std::span<const uint8_t> learnt, const Moments& of_all, bool shift_mean = true);

}  // namespace gradus
