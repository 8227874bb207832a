#pragma once
// Copies in flight, as the scheduler sees them. What kernels call is in async_copy.h and mbarrier.h.
#include <cstdint>
#include <memory>
#include <vector>

namespace gradus::emulator {

struct Block;
struct Thread;

// Completes one copy that a waiting thread may need; false when none is in flight.
bool complete_a_copy(const std::vector<std::unique_ptr<Block>>& blocks, uint64_t choice);

// At a thread's exit: what it still had in flight.
void finish_copies(Thread& thread);

// At a block's end. Fault: its shared memory is gone, and a copy still writes it.
void check_nothing_in_flight(Block& block);

}  // namespace gradus::emulator
