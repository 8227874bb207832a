#pragma once
// The rungs of the sum of squares, in the order of the ladder. Formula: kernels/optimizer.h. Page: docs/kernels/reduction.md.
#include "kernels/cuda/common.h"
#include "kernels/optimizer.h"

namespace gradus::DEVICE::reduction_ladder {

void serial(const SquareSum&, Stream);
void tree(const SquareSum&, Stream);
void shuffles(const SquareSum&, Stream);
void packs(const SquareSum&, Stream);

}  // namespace gradus::DEVICE::reduction_ladder
