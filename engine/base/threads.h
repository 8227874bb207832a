#pragma once
// The system may refuse threads: the user's limit (ulimit -u), the container's (pids.max), memory for their stacks.
//
// The OpenMP library then ends the process itself, with a message that names neither the limit nor a fix. So a command
// checks here before its first parallel region.
#include "engine/base/error.h"

namespace gradus {

// How many of `wanted` threads, including this one, can run at once. The test threads have ended when this returns.
int threads_at_once(int wanted);

// Error where OpenMP cannot use that many threads. Requires twice as many: when the size of its team changes, the
// library ends threads and starts others, and the ending ones still count for a moment.
void require_threads(int team);

// The Error for a thread that could not be started. `fewer`: a number of threads that could.
Error no_more_threads(const std::string& reason, int fewer = 1);

}  // namespace gradus
