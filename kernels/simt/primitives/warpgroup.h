#pragma once
// The emulator's version of kernels/cuda/primitives/warpgroup.h.
#include "kernels/simt/register_pool.h"
#include "kernels/simt/warpgroup.h"

namespace gradus::DEVICE {

constexpr bool has_warpgroups = true;

inline MatrixDescriptor matrix_descriptor(const void* start, unsigned leading_bytes, unsigned stride_bytes,
                                          Swizzle swizzle, emulator::Location at = emulator::Location::here()) {
    return {emulator::matrix_descriptor(start, leading_bytes, stride_bytes, unsigned(swizzle), at)};
}

// The asm forces arrays that the kernel wrote before the fence onto its stack, where the fence reads them.
inline void wgmma_fence(emulator::Location at = emulator::Location::here()) {
    asm volatile("" ::: "memory");
    emulator::wgmma_fence(at);
}
template <int count>
void wgmma_fence(float (&)[count], emulator::Location at = emulator::Location::here()) {
    DEVICE::wgmma_fence(at);
}

template <Major a_major = Major::k, Major b_major = Major::k, int count>
void wgmma(float (&d)[count], MatrixDescriptor a, MatrixDescriptor b, bool accumulate = true,
           emulator::Location at = emulator::Location::here()) {
    emulator::wgmma({d, 2 * count, nullptr, a.bits, b.bits, a_major == Major::k, b_major == Major::k, accumulate}, at);
}
template <Major b_major = Major::k, int count>
void wgmma(float (&d)[count], const unsigned (&a)[4], MatrixDescriptor b, bool accumulate = true,
           emulator::Location at = emulator::Location::here()) {
    emulator::wgmma({d, 2 * count, a, 0, b.bits, true, b_major == Major::k, accumulate}, at);
}

inline void wgmma_commit(emulator::Location at = emulator::Location::here()) { emulator::wgmma_commit(at); }
template <int groups_left>
void wgmma_wait(emulator::Location at = emulator::Location::here()) {
    emulator::wgmma_wait(groups_left, nullptr, at);
}
template <int groups_left, int count>
void wgmma_wait(float (&d)[count], emulator::Location at = emulator::Location::here()) {
    emulator::wgmma_wait(groups_left, d, at);
}

template <int count>
void registers_lower(emulator::Location at = emulator::Location::here()) {
    emulator::warpgroup_registers(emulator::RegisterRequest::lower, count, at);
}
template <int count>
void registers_raise(emulator::Location at = emulator::Location::here()) {
    emulator::warpgroup_registers(emulator::RegisterRequest::raise, count, at);
}

}  // namespace gradus::DEVICE
