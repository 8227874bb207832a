#pragma once
// The emulator's half of kernels/cuda/primitives/device.h: everything a .cu file needs when it is compiled for the CPU.
// docs/simt.md explains the emulator.
#include "kernels/simt/arithmetic.h"
#include "kernels/simt/atomics.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/launch.h"
#include "kernels/simt/pack.h"
#include "kernels/simt/shared.h"
#include "kernels/simt/words.h"

#define DEVICE simt

namespace gradus::emulator {

[[noreturn]] inline void trap(Place at = Place::here()) { fault("__trap", at); }

}  // namespace gradus::emulator

namespace gradus::simt {

constexpr int architecture = 1000;  // what a kernel compiles for: everything there is

}  // namespace gradus::simt

#define __trap() ::gradus::emulator::trap()

// A promise that the kernel relies on. Broken: a Fault that names the line.
#define device_check(condition)                                                                                \
    do {                                                                                                       \
        if (!(condition)) ::gradus::emulator::fault("device_check failed: " #condition, {__FILE__, __LINE__}); \
    } while (0)
