#pragma once
// The emulator's version of kernels/cuda/primitives/matrix.h.
#include "kernels/simt/matrix.h"

namespace gradus::DEVICE {

inline void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                     emulator::Location at = emulator::Location::here()) {
    emulator::multiply_bf16(d, a, b, at);
}
inline void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                     emulator::Location at = emulator::Location::here()) {
    emulator::multiply_tf32(d, a, b, at);
}
template <int count>
void ldmatrix(unsigned (&r)[count], const void* row, emulator::Location at = emulator::Location::here()) {
    static_assert(count == 2 || count == 4, "ldmatrix loads two or four matrices");
    emulator::ldmatrix(r, row, count, false, at);
}
template <int count>
void ldmatrix_transposed(unsigned (&r)[count], const void* row, emulator::Location at = emulator::Location::here()) {
    static_assert(count == 2 || count == 4, "ldmatrix loads two or four matrices");
    emulator::ldmatrix(r, row, count, true, at);
}

}  // namespace gradus::DEVICE
