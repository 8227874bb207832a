#pragma once
// The exponential of base 2 as one instruction.
//
//   exp2_approximate(x)    2^x within 2 units in the last place; results below 2^-126 are 0, as is exp2_approximate(−∞)
//
// exp2f() adds three instructions for results that are subnormal.
// Source: PTX ISA, "ex2".
#include "kernels/cuda/primitives/device.h"

#ifndef __CUDACC__
#include "kernels/simt/primitives/exp2.h"
#else

namespace gradus::cuda {

__device__ __forceinline__ float exp2_approximate(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

}  // namespace gradus::cuda
#endif
