#pragma once
// The algorithms of a training step's matmuls, where the device has several (Ops::tuning): measured before the first step,
// and the same from then on, on every rank and in every process of the run.
#include "engine/base/file.h"
#include "engine/trainer.h"

namespace gradus {

// Times the algorithms of every matmul that `file` has no choice for, in one forward and backward pass, and writes the choices there.
// Ranks take those of the first one, which reads and writes the file; one on another kind of device keeps its own. Where the
// file is lost, or is of another device or library, all are measured again, and the run goes on with other last bits.
// Returns false, and does nothing, where the device has one algorithm. Every rank calls.
bool autotune(Trainer&, const NextBatch&, const fs::path& file);

}  // namespace gradus
