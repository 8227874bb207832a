#pragma once
// The emulator's version of kernels/cuda/primitives/exponential.h.
#include <cmath>

namespace gradus::simt {

inline float exp2_fast(float x) {
    const float y = ::exp2f(x);
    return y < 0x1p-126f ? 0.f : y;
}

}  // namespace gradus::simt
