#pragma once
// The progress of this process in long file operations: the total number of bytes that it has read, verified or
// written.
//
// Ranks send it to each other with their heartbeats (engine/comm_mpi/heartbeat.h), so that waiting ranks do not time
// out while a checkpoint of any size is verified, loaded or saved. Callable from any thread.
#include <cstdint>

namespace gradus {

void add_progress(uint64_t bytes);
uint64_t progress_so_far();

}  // namespace gradus
