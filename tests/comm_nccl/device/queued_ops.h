#pragma once
// A device for tests: the arithmetic of the CPU's table in the memory and on the streams of the emulator. The host may
// not touch its tensors, and work is executed only at a synchronisation, so a missing one is detected; the results have
// the bits of cpu_ops().
#include "kernels/ops.h"

namespace gradus {

const Ops& queued_ops();

}  // namespace gradus
