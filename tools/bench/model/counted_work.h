#pragma once
// What a launch asks for, from the emulator's counts.
#include "kernels/simt/counters.h"
#include "tools/bench/model/estimate.h"
#include "tools/bench/model/registers.h"

namespace gradus {

KernelWork work_of(const simt::LaunchCounts&, const Card&, const Registers& = {});

// Issued instructions, an estimate that may be off by a factor of two: what the emulator executes are those of another processor.
// Two for each access (with its address), four for each element of global memory (conversions and arithmetic), two for each shuffle and
// special function, one for each other instruction of a warp.
double instructions_of(const simt::LaunchCounts&);

}  // namespace gradus
