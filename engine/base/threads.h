#pragma once
// Threads that the system may refuse: a user's limit (ulimit -u), a container's (pids.max), memory for their stacks.
//
// OpenMP's library ends the process itself where it is refused one, with a line that says neither the limit nor what to do.
// So a command asks here before its first parallel region.
#include "engine/base/error.h"

namespace gradus {

// How many threads, this one among them, run at once when so many are asked for. None of them is left.
int threads_at_once(int wanted);

// Error where OpenMP cannot compute with so many threads. Twice as many have to be had: as the size of its team changes its
// library lets threads end and makes others, and those that end count for a moment longer.
void require_threads(int team);

// The same Error, for a thread that could not be made. `fewer`: a number of threads that can.
Error no_more_threads(const std::string& reason, int fewer = 1);

}  // namespace gradus
