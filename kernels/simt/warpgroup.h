#pragma once
// Collectives of a warpgroup (128 threads) on sm_90a: asynchronous matmuls (wgmma), and setmaxnreg. Kernels call them by the names
// of kernels/cuda/primitives/warpgroup.h.
//
// When a wgmma runs depends on Settings::copies. early: when it is issued. late: in the wait for its group; from issue to wait
// the accumulator is NaN, and the wait reads A's registers and both tiles.
#include <cstdint>

#include "kernels/simt/location.h"

namespace gradus::emulator {

struct Thread;

// Fault: `start` is not in shared memory of the block; an argument is not a multiple of 16.
uint64_t matrix_descriptor(const void* start, unsigned leading_bytes, unsigned stride_bytes, unsigned swizzle,
                           Location at);

// The operands of one thread of d = A·B or d += A·B: d [64, columns] in f32, A [64, 16], B [16, columns].
struct WgmmaOperands {
    float* d;
    int columns;
    const unsigned* a;  // registers; null: A is in shared memory, at a_descriptor
    uint64_t a_descriptor, b_descriptor;
    bool a_k_major, b_k_major, accumulate;
};

void wgmma_fence(Location at);

// Fault: threads with different descriptors; no fence since the kernel's start or the last wait, or registers of A or D written
// after it; a tile outside shared memory, not aligned to its swizzle pattern, or written by threads after the last fence_async().
void wgmma(const WgmmaOperands& product, Location at);
void wgmma_commit(Location at);

// d: the accumulator that the thread reads next, or null. Fault: a wgmma in flight still uses it.
void wgmma_wait(unsigned groups_left, const float* d, Location at);

// At a thread's exit. Fault: its warpgroup has wgmmas in flight.
void check_wgmmas_done(Thread& thread);

}  // namespace gradus::emulator
