#pragma once
// The emulator's version of kernels/cuda/primitives/conversion.h.
#include "kernels/scalar.h"

namespace gradus::DEVICE {

inline unsigned bf16_pair(float low, float high) {
    const auto rounded = [](float x) { return x == x ? bf16(x).bits : 0x7fffu; };
    return rounded(low) | rounded(high) << 16;
}

}  // namespace gradus::DEVICE
