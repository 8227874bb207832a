#pragma once
// Barriers of a block: __syncthreads, its voting forms, and the sixteen named barriers (bar.sync, bar.arrive).
//
// __syncthreads waits for every thread that has not exited, as GPUs since Volta do. Threads of one block that wait at two
// different calls of it are a Fault: hardware would let them through, the language leaves it undefined.
#include "kernels/simt/place.h"

namespace gradus::emulator {

void sync_threads(Place at);

struct Votes {
    int yes, voters;
};
Votes sync_threads_and_vote(const char* word, bool vote, Place at);

// Barrier `id` (1 to 15) opens when `threads` (a multiple of 32) have come. Those who arrive do not wait.
void named_sync(int id, int threads, Place at);
void named_arrive(int id, int threads, Place at);

}  // namespace gradus::emulator
