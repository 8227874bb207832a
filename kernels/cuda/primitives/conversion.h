#pragma once
// Conversions that are one instruction.
//
//   bf16_pair(low, high)   two floats rounded to bf16, to nearest, ties to even; `low` in the lower half of the word. NaN becomes 0x7fff
//
// Source: PTX ISA, "cvt".
#include "kernels/cuda/primitives/device.h"

#ifndef __CUDACC__
#include "kernels/simt/primitives/conversion.h"
#else

namespace gradus::cuda {

__device__ __forceinline__ unsigned bf16_pair(float low, float high) {
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

}  // namespace gradus::cuda
#endif
