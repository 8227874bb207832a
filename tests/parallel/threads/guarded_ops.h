#pragma once
// The reference ops with guarded memory: every block has a margin on both sides that must not be written.
#include "kernels/ops.h"

namespace gradus::test {

const Ops& guarded_ops();
// Number of released blocks whose margins were written.
int blocks_overrun();

}  // namespace gradus::test
