#pragma once
// CUDA's built-ins: qualifiers, variables, barriers, collectives, arithmetic.
// Functions that can wait or fail take their caller's source line as a default argument.
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/simt/barrier.h"
#include "kernels/simt/collective.h"
#include "kernels/simt/thread.h"

// ---- qualifiers ---------------------------------------------------------------------------------------------------

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(threads, blocks)  // both are required: without `blocks` ptxas drops setmaxnreg
#define __grid_constant__
#define __align__(bytes) alignas(bytes)

// ---- built-in variables ---------------------------------------------------------------------------------------------

#define threadIdx (::gradus::emulator::current->thread)
#define blockIdx (::gradus::emulator::current->block)
#define blockDim (::gradus::emulator::block_dim)
#define gridDim (::gradus::emulator::grid_dim)
constexpr int warpSize = 32;

// ---- barriers -------------------------------------------------------------------------------------------------------

using GradusLocation = gradus::emulator::Location;

inline void __syncthreads(GradusLocation at = GradusLocation::here()) { gradus::emulator::sync_threads(at); }
inline int __syncthreads_count(int vote, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::sync_threads_and_vote("__syncthreads_count", vote != 0, at).yes;
}
inline int __syncthreads_or(int vote, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::sync_threads_and_vote("__syncthreads_or", vote != 0, at).yes != 0;
}
inline int __syncthreads_and(int vote, GradusLocation at = GradusLocation::here()) {
    const auto votes = gradus::emulator::sync_threads_and_vote("__syncthreads_and", vote != 0, at);
    return votes.yes == votes.voters;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, GradusLocation at = GradusLocation::here()) {
    gradus::emulator::sync_warp(mask, at);
}

// ---- collectives of a warp --------------------------------------------------------------------------------------------

namespace gradus::emulator {

template <class Value>
uint64_t bits_of(Value value) {
    static_assert(std::is_arithmetic_v<Value> && (sizeof(Value) == 4 || sizeof(Value) == 8),
                  "shuffles move int, unsigned, float, double and 64-bit integers");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}

template <class Value>
Value from_bits(uint64_t bits) {
    Value value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <class Value>
Value shuffled(Shuffle kind, const char* op, unsigned mask, Value value, int argument, int width, Location at) {
    return from_bits<Value>(shuffle(kind, op, mask, bits_of(value), argument, width, at));
}

}  // namespace gradus::emulator

template <class Value>
Value __shfl_sync(unsigned mask, Value value, int lane, int width = 32, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::shuffled(gradus::emulator::Shuffle::index, "__shfl_sync", mask, value, lane, width, at);
}
template <class Value>
Value __shfl_up_sync(unsigned mask, Value value, unsigned delta, int width = 32,
                     GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::shuffled(gradus::emulator::Shuffle::up, "__shfl_up_sync", mask, value, int(delta), width,
                                      at);
}
template <class Value>
Value __shfl_down_sync(unsigned mask, Value value, unsigned delta, int width = 32,
                       GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::shuffled(gradus::emulator::Shuffle::down, "__shfl_down_sync", mask, value, int(delta),
                                      width, at);
}
template <class Value>
Value __shfl_xor_sync(unsigned mask, Value value, int bits, int width = 32,
                      GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::shuffled(gradus::emulator::Shuffle::exclusive_or, "__shfl_xor_sync", mask, value, bits,
                                      width, at);
}

inline unsigned __ballot_sync(unsigned mask, int vote, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::ballot("__ballot_sync", mask, vote != 0, at);
}
inline int __any_sync(unsigned mask, int vote, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::ballot("__any_sync", mask, vote != 0, at) != 0;
}
inline int __all_sync(unsigned mask, int vote, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::ballot("__all_sync", mask, vote != 0, at) == mask;
}
template <class Value>
unsigned __match_any_sync(unsigned mask, Value value, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::match_any(mask, gradus::emulator::bits_of(value), at);
}

inline unsigned __reduce_add_sync(unsigned mask, unsigned value, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::reduce(gradus::emulator::Reduction::add, "__reduce_add_sync", mask, value, at);
}
inline int __reduce_add_sync(unsigned mask, int value, GradusLocation at = GradusLocation::here()) {
    return int(__reduce_add_sync(mask, unsigned(value), at));
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::reduce(gradus::emulator::Reduction::minimum, "__reduce_min_sync", mask, value, at);
}
inline int __reduce_min_sync(unsigned mask, int value, GradusLocation at = GradusLocation::here()) {
    return int(gradus::emulator::reduce(gradus::emulator::Reduction::minimum_signed, "__reduce_min_sync", mask,
                                        unsigned(value), at));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::reduce(gradus::emulator::Reduction::maximum, "__reduce_max_sync", mask, value, at);
}
inline int __reduce_max_sync(unsigned mask, int value, GradusLocation at = GradusLocation::here()) {
    return int(gradus::emulator::reduce(gradus::emulator::Reduction::maximum_signed, "__reduce_max_sync", mask,
                                        unsigned(value), at));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::reduce(gradus::emulator::Reduction::bit_and, "__reduce_and_sync", mask, value, at);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::reduce(gradus::emulator::Reduction::bit_or, "__reduce_or_sync", mask, value, at);
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, GradusLocation at = GradusLocation::here()) {
    return gradus::emulator::reduce(gradus::emulator::Reduction::bit_xor, "__reduce_xor_sync", mask, value, at);
}
