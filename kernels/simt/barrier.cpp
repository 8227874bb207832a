#include "kernels/simt/barrier.h"

#include "kernels/simt/block.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

constexpr int everybody = -1;  // who has not exited

bool complete(const BlockBarrier& barrier, const Block& block) {
    return barrier.arrived == (barrier.expected == everybody ? block.live : barrier.expected);
}

void open(BlockBarrier& barrier) {
    for (Thread* waiting : barrier.waiting) wake(*waiting);
    barrier.waiting.clear();
    barrier.arrived = 0;
    barrier.expected = 0;
    ++barrier.generation;
    progress();
}

// The current thread comes to the barrier, and waits or not.
void come(BlockBarrier& barrier, Thread& thread, int expected, const char* word, bool waits, Place at) {
    char* token = &barrier.tokens[barrier.generation % 2];
    release(token);
    {
        const Hidden hidden;
        if (barrier.arrived == 0) {
            barrier.expected = expected;
            barrier.word = word;
            barrier.place = at;
        } else if (barrier.expected != expected) {
            fault(std::string(word) + " for " + std::to_string(expected) + " threads, while others wait in " +
                      barrier.word + " for " + std::to_string(barrier.expected) + " at " + barrier.place.text(),
                  at);
        }
        ++barrier.arrived;
        if (complete(barrier, *thread.on)) {
            open(barrier);
        } else if (waits) {
            barrier.waiting.push_back(&thread);
            wait_in(word, at);
        }
    }
    if (waits) acquire(token);
}

void come_to_all(const char* word, Place at) {
    Thread& thread = self(word, at);
    BlockBarrier& barrier = thread.on->barrier[0];
    if (barrier.arrived && !(barrier.place == at))
        fault(std::string(word) + ", while other threads of the block wait in " + barrier.word + " at " +
                  barrier.place.text() + ": a barrier must be one that all threads of the block come to",
              at);
    come(barrier, thread, everybody, word, true, at);
}

BlockBarrier& named(Thread& thread, const char* word, int id, int threads, Place at) {
    if (id < 1 || id >= barriers_of_a_block)
        fault(std::string(word) + ": barrier " + std::to_string(id) + " is not one of 1 to 15 (0 is __syncthreads)",
              at);
    if (threads < threads_of_a_warp || threads % threads_of_a_warp || threads > thread.on->threads)
        fault(std::string(word) + ": " + std::to_string(threads) +
                  " threads is not a multiple of 32 within the block of " + std::to_string(thread.on->threads),
              at);
    return thread.on->barrier[id];
}

}  // namespace

void sync_threads(Place at) { come_to_all("__syncthreads", at); }

Votes sync_threads_and_vote(const char* word, bool vote, Place at) {
    Block& block = *self(word, at).on;
    const unsigned round = block.barrier[0].generation;
    if (!block.voters || block.vote_round != round) block.votes = block.voters = 0;
    block.vote_round = round;
    block.votes += vote;
    ++block.voters;
    come_to_all(word, at);
    const Votes result{block.votes, block.voters};
    come_to_all(word, at);  // everybody has read them
    return result;
}

void named_sync(int id, int threads, Place at) {
    Thread& thread = self("bar.sync", at);
    come(named(thread, "bar.sync", id, threads, at), thread, threads, "bar.sync", true, at);
}

void named_arrive(int id, int threads, Place at) {
    Thread& thread = self("bar.arrive", at);
    come(named(thread, "bar.arrive", id, threads, at), thread, threads, "bar.arrive", false, at);
}

void leave_barriers(Thread& thread) {
    BlockBarrier& barrier = thread.on->barrier[0];
    if (barrier.arrived && complete(barrier, *thread.on)) open(barrier);
}

}  // namespace gradus::emulator
