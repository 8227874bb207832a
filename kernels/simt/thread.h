#pragma once
// A CUDA thread as kernels see it: its coordinates. Its other state is in block.h, private to the emulator.
#include "kernels/simt/dimensions.h"

namespace gradus::emulator {

struct Coordinates {
    uint3 thread{}, block{};
};

// The running thread; null on the host. The scheduler sets it at every switch.
inline Coordinates* current = nullptr;
inline dim3 block_dim, grid_dim;  // of the running launch

// Something happened that a spinning thread may wait for (machine.cpp).
void note_progress();

}  // namespace gradus::emulator
