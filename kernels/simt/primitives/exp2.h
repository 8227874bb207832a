#pragma once
// The emulator's version of kernels/cuda/primitives/exp2.h.
#include <cmath>

namespace gradus::DEVICE {

inline float exp2_approximate(float x) {
    const float y = exp2f(x);
    return x < -126 ? 0.f : y;
}

}  // namespace gradus::DEVICE
