#pragma once
// Warp helpers.
//
//   lane_of_warp()       0 to 31, for blocks of any dimensions (threadIdx.x % 32 in a one-dimensional block)
//   elect_one()          true in one lane of the warp; all lanes must call it together (sm_90: without a branch)
//
// Source: PTX ISA, "%laneid", "elect.sync".
#include "kernels/cuda/primitives/device.h"

#ifndef __CUDACC__
#include "kernels/simt/primitives/warp.h"
#else

namespace gradus::cuda {

__device__ __forceinline__ int lane_of_warp() {
    int lane;
    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
    return lane;
}

__device__ __forceinline__ bool elect_one() {
    if constexpr (architecture >= 90) {
        int elected;
        asm volatile("{\n.reg .pred p;\nelect.sync _|p, 0xffffffff;\nselp.s32 %0, 1, 0, p;\n}" : "=r"(elected));
        return elected != 0;
    } else {
        __syncwarp();
        return lane_of_warp() == 0;
    }
}

}  // namespace gradus::cuda
#endif
