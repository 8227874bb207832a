#pragma once
// How the emulator counts (counters.h). The functions of this header are called only while `counting`.
//
// Lanes of a warp are not in lockstep here, so one instruction of a warp is reassembled: the k-th access of each lane at a site since
// the warp's last barrier or collective. It is complete when all 32 lanes have come, or at the next collective or barrier.
#include <cstddef>
#include <cstdint>

#include "kernels/simt/location.h"

namespace gradus::emulator {

struct Block;
struct Thread;
struct LaunchCall;

inline bool counting = false;  // a launch runs, and it is counted

// The running thread accesses memory. `site`: the return address, or a source line. Accesses to the thread's own stack are
// registers or local memory, and not counted.
void count_access(const void* site, const void* address, size_t bytes, bool write);
void count_access(Location site, const void* address, size_t bytes, bool write);

// A 16-byte access that compilers must not count again: the copy runs here.
void count_and_load(void* to, const void* address, Location at);
void count_and_store(void* address, const void* from, Location at);

// An asynchronous copy of 16 bytes by one lane, or a bulk copy by one thread: from global to shared memory, or back.
void count_copy(const void* shared, const void* global, int bytes, Location at);
void count_bulk(const void* global, size_t bytes, bool write, Location at);
void count_copies_in_flight(const Thread& thread, size_t bytes);  // of its cp.asyncs
void count_bulk_in_flight(Block& block, int64_t bytes);           // a bulk load starts (> 0) or is complete (< 0)

enum class Counted {
    mma,
    wgmma,
    ldmatrix,
    shuffle,
    vote,
    atomic,
    barrier,
    special,
    mma_flops,
    tf32_flops,
    wgmma_flops
};
constexpr int counters = 11;
void add_count(Counted what, double amount = 1);

// All lanes of this warp have reached the same collective, or all threads of the block the same barrier.
void count_together(Block& block, int warp);
void count_together(Block& block);

// The scheduler: at the start of a launch, whether to count it and how many of its blocks to run; at the end of each of its
// blocks, and at its end.
uint64_t count_launch(const LaunchCall& launch, uint64_t blocks);
void count_block_end(Block& block);
void count_launch_end();

// A matmul of the library runs in stream order: [M,K] · [K,N]. false: its result is not wanted.
bool count_library_matmul(int64_t M, int64_t N, int64_t K, bool f32, size_t bytes_read, size_t bytes_written);

}  // namespace gradus::emulator
