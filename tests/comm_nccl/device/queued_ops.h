#pragma once
// A device for tests: the arithmetic of the CPU's table in the memory and on the streams of the emulator. The host may not
// touch its tensors, and nothing is done before somebody waits for it, so a synchronisation that is missing shows; and the
// results have the bits of cpu_ops().
#include "kernels/ops.h"

namespace gradus {

const Ops& queued_ops();

}  // namespace gradus
