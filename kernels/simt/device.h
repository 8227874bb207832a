#pragma once
// The emulator's version of kernels/cuda/primitives/device.h: everything a .cu file needs when it is compiled for the CPU.
// docs/simt.md explains the emulator.
#include "kernels/simt/arithmetic.h"
#include "kernels/simt/atomics.h"
#include "kernels/simt/builtins.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/launch.h"
#include "kernels/simt/pack.h"
#include "kernels/simt/shared.h"

#ifndef DEVICE
#define DEVICE simt
#endif

namespace gradus::emulator {

[[noreturn]] inline void trap(Location at = Location::here()) { fault("__trap", at); }

}  // namespace gradus::emulator

namespace gradus::simt {

constexpr int architecture = 1000;  // above every compute capability: all kernels are compiled

}  // namespace gradus::simt

#define __trap() ::gradus::emulator::trap()

// A precondition of the kernel. Fault, with the line: it does not hold.
#define device_check(condition)                                                                                \
    do {                                                                                                       \
        if (!(condition)) ::gradus::emulator::fault("device_check failed: " #condition, {__FILE__, __LINE__}); \
    } while (0)
