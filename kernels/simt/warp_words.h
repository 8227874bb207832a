#pragma once
// The emulator's half of kernels/cuda/primitives/warp.h.
#include "kernels/simt/words.h"

namespace gradus::simt {

inline int lane_of_warp() {
    const uint3 t = threadIdx;
    const dim3 size = blockDim;
    return int((t.z * size.y + t.y) * size.x + t.x) % warpSize;
}

// Any lane may be elected by a GPU; here it is the first.
inline bool elect_one(emulator::Place at = emulator::Place::here()) {
    return emulator::ballot("elect.sync", emulator::all_lanes, lane_of_warp() == 0, at) && lane_of_warp() == 0;
}

}  // namespace gradus::simt
