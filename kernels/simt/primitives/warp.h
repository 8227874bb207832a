#pragma once
// The emulator's version of kernels/cuda/primitives/warp.h.
#include "kernels/simt/builtins.h"

namespace gradus::DEVICE {

inline int lane_of_warp() {
    const uint3 t = threadIdx;
    const dim3 size = blockDim;
    return int((t.z * size.y + t.y) * size.x + t.x) % warpSize;
}

// A GPU may elect any lane; the emulator elects the first.
inline bool elect_one(emulator::Location at = emulator::Location::here()) {
    return emulator::ballot("elect.sync", emulator::all_lanes, lane_of_warp() == 0, at) && lane_of_warp() == 0;
}

}  // namespace gradus::DEVICE
