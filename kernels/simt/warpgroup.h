#pragma once
// What 128 threads do together on sm_90a: asynchronous products (wgmma), and their registers. Kernels call them by the names of
// kernels/cuda/primitives/warpgroup.h.
//
// When a product is done (Settings::copies): early, when it is issued; late, in the wait for its group. Late, the accumulator
// is NaN from issue to wait, and A's registers and both tiles are read in the wait.
#include <cstdint>

#include "kernels/simt/place.h"

namespace gradus::emulator {

struct Thread;

// Fault: not shared memory of the block; not a multiple of 16.
uint64_t matrix_descriptor(const void* start, unsigned leading_bytes, unsigned stride_bytes, unsigned swizzle,
                           Place at);

// d (64 by columns, f32) = or += A (64 by 16) · B (16 by columns), as one thread brings it.
struct Product {
    float* d;
    int columns;
    const unsigned* a;  // registers; empty: a_descriptor counts
    uint64_t a_descriptor, b_descriptor;
    bool a_k_major, b_k_major, accumulate;
};

void wgmma_fence(Place at);

// Fault: threads that bring different descriptors; no fence since the kernel began or since the last wait, or registers of A or D
// that were written after it; a tile that is not in shared memory or not where its swizzle needs it, or that threads wrote to after
// the last fence_async().
void wgmma(const Product& product, Place at);
void wgmma_commit(Place at);

// d: what the thread goes on to read, or empty. Fault: it still belongs to a product under way.
void wgmma_wait(unsigned groups_left, const float* d, Place at);

// At a thread's exit. Fault: its warpgroup has products under way.
void finish_multiplies(Thread& thread);

}  // namespace gradus::emulator
