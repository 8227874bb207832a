#pragma once
// How far this process is with long work on files, as a number that grows: bytes that it has read, checked or written.
//
// Ranks tell it each other with their signs of life (engine/comm_mpi/heartbeat.h), so that the patience of the ranks that
// wait is not used up while a checkpoint of any size is being checked, loaded or saved. From any thread.
#include <cstdint>

namespace gradus {

void add_progress(uint64_t bytes);
uint64_t progress_so_far();

}  // namespace gradus
