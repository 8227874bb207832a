#pragma once
// Asynchronous copies, and the mbarriers that bulk copies signal. Kernels call them by the names of
// kernels/cuda/primitives/async_copy.h and barrier.h.
//
// When the data moves depends on Settings::copies. early: when the copy is issued. late: a cp.async in the wait for its group, a
// bulk load when no thread can run without it, a bulk store in the wait for its group. From issue to completion
// AddressSanitizer reports every access to the destination.
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/simt/location.h"

namespace gradus::emulator {

struct Block;
struct TensorMap;
struct Thread;

// ---- cp.async: 16 or 4 bytes, per thread, in groups ---------------------------------------------------------------------

// Of `bytes`, 16 or 4, reads the first `read` and writes zeros after them. Fault: an address that is not a multiple of `bytes`, a
// destination that is not the block's shared memory, more to read than bytes.
void copy_async(void* shared, const void* global, unsigned bytes, unsigned read, Location at);
void copy_async_commit(Location at);
void copy_async_wait(unsigned groups_left, Location at);

// ---- mbarriers: a phase ends after `count` arrivals and the expected bytes ------------------------------------------------

void mbarrier_init(void* barrier, unsigned count, Location at);
void mbarrier_arrive(void* barrier, Location at);
void mbarrier_arrive_and_expect(void* barrier, unsigned bytes, Location at);
void mbarrier_wait(void* barrier, unsigned parity, Location at);

// ---- bulk copies, plain and of boxes of a tensor map -----------------------------------------------------------------------

void bulk_load(void* shared, const void* global, unsigned bytes, void* barrier, Location at);
void bulk_store(void* global, const void* shared, unsigned bytes, Location at);
void bulk_add(float* global, const float* shared, unsigned bytes, Location at);
void tensor_load(void* shared, const TensorMap& map, const int* at, int rank, void* barrier, Location location);
void tensor_store(const TensorMap& map, const int* at, int rank, const void* shared, bool adds, Location location);
void bulk_commit(Location at);
void bulk_wait(unsigned groups_left, bool only_read, Location at);

// ---- for the scheduler ------------------------------------------------------------------------------------------------

// Completes one bulk load; false when none is in flight.
bool complete_one_load(const std::vector<std::unique_ptr<Block>>& blocks, uint64_t choice);

// At a thread's exit: completes its cp.asyncs. Fault: a bulk store that still reads shared memory.
void finish_copies(Thread& thread);

// At a block's end. Fault: a bulk load still writes its shared memory.
void check_nothing_in_flight(Block& block);

}  // namespace gradus::emulator
