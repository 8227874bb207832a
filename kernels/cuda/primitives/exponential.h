#pragma once
// The exponential of the hardware, one instruction. expf() and exp2f() add others, for the last bits and for denormal numbers.
//
//   exp2_fast(x)   2^x within two units in the last place, or 0 for a denormal number
//
// Source: PTX ISA, "ex2".
#include "kernels/cuda/primitives/device.h"

#ifndef __CUDACC__
#include "kernels/simt/primitives/exponential.h"
#else

namespace gradus::cuda {

__device__ __forceinline__ float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

}  // namespace gradus::cuda
#endif
