#pragma once
// One CUDA thread as kernels see it: its coordinates. The rest of it is in block.h, for the emulator alone.
#include "kernels/simt/dimensions.h"

namespace gradus::emulator {

struct Coordinates {
    uint3 thread{}, block{};
};

// The thread that runs now; empty on the host. Set by the scheduler alone, at every switch.
inline Coordinates* current = nullptr;
inline dim3 block_dim, grid_dim;  // of the launch that runs

}  // namespace gradus::emulator
