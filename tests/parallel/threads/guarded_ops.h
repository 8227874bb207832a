#pragma once
// The reference ops on memory that nobody may write beside: every block has a margin on both sides.
#include "kernels/ops.h"

namespace gradus::test {

const Ops& guarded_ops();
// Blocks released so far whose margins were written to.
int blocks_overrun();

}  // namespace gradus::test
