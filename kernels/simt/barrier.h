#pragma once
// Barriers of a block: __syncthreads, its voting variants, and the sixteen named barriers (bar.sync, bar.arrive).
//
// __syncthreads waits for every thread that has not exited, as GPUs since Volta do. It is a Fault when threads of one block wait
// at two different calls of it: hardware lets them pass, but CUDA leaves the result undefined.
#include "kernels/simt/location.h"

namespace gradus::emulator {

void sync_threads(Location at);

struct Votes {
    int yes, voters;
};
Votes sync_threads_and_vote(const char* op, bool vote, Location at);

// Barrier `id` (1 to 15) opens when `threads` threads (a multiple of 32) have arrived. named_arrive does not wait.
void named_sync(int id, int threads, Location at);
void named_arrive(int id, int threads, Location at);

}  // namespace gradus::emulator
