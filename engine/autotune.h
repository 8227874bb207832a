#pragma once
// Autotuning of a training step's matmuls, on devices with several algorithms for each (Ops::tuning). The algorithms
// are timed before the first step; from then on every rank and every process of the run uses the same ones.
#include "engine/base/file.h"
#include "engine/trainer.h"

namespace gradus {

// Times the algorithms of every matmul that `file` has no choice for, in one forward and backward pass, and writes the
// choices there. Rank 0 reads and writes the file, and the other ranks use its choices; a rank on another kind of
// device makes its own. If the file is lost, or was written for another device or library version, everything is timed
// again, and the run's results may differ in the last bits from then on. Returns false and does nothing where the
// device has only one algorithm. Every rank calls it.
bool autotune(Trainer&, const NextBatch&, const fs::path& file);

}  // namespace gradus
