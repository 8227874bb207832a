#pragma once
// Asynchronous copies, and the mbarriers that the bulk ones report to. Kernels call them by the names of
// kernels/cuda/primitives/async_copy.h and barrier.h.
//
// When data moves (Settings::copies): early, when the copy is issued; late, a cp.async in the wait for its group, a bulk load
// when no thread can run without it, a bulk store in the wait that asks for it. From issue to completion AddressSanitizer
// reports every access to the destination.
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/simt/place.h"

namespace gradus::emulator {

struct Block;
struct Thread;

// ---- cp.async: 16 bytes, per thread, in groups --------------------------------------------------------------------------

// Fault: an address that is not a multiple of 16, a destination that is not the block's shared memory. !valid: zeros.
void copy_async(void* shared, const void* global, bool valid, Place at);
void copy_async_commit(Place at);
void copy_async_wait(unsigned groups_left, Place at);

// ---- mbarriers: phases of `count` arrivals and of the bytes that were announced ---------------------------------------------

void mbarrier_init(void* barrier, unsigned count, Place at);
void mbarrier_arrive(void* barrier, Place at);
void mbarrier_arrive_and_expect(void* barrier, unsigned bytes, Place at);
void mbarrier_wait(void* barrier, unsigned parity, Place at);

// ---- bulk copies ------------------------------------------------------------------------------------------------------

void bulk_load(void* shared, const void* global, unsigned bytes, void* barrier, Place at);
void bulk_store(void* global, const void* shared, unsigned bytes, Place at);
void bulk_commit(Place at);
void bulk_wait(unsigned groups_left, bool only_read, Place at);

// ---- for the scheduler ------------------------------------------------------------------------------------------------

// Completes one bulk load that a waiting thread may need; false when none is in flight.
bool complete_a_copy(const std::vector<std::unique_ptr<Block>>& blocks, uint64_t choice);

// At a thread's exit: its cp.asyncs are done. Fault: a bulk store that still reads shared memory.
void finish_copies(Thread& thread);

// At a block's end. Fault: its shared memory is gone, and a bulk load still writes it.
void check_nothing_in_flight(Block& block);

}  // namespace gradus::emulator
