#include "kernels/simt/barrier.h"

#include "kernels/simt/block.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/fault.h"
#include "kernels/simt/sanitizer.h"

namespace gradus::emulator {

namespace {

constexpr int all_live_threads = -1;

bool complete(const BlockBarrier& barrier, const Block& block) {
    return barrier.arrived == (barrier.expected == all_live_threads ? block.live : barrier.expected);
}

void open(BlockBarrier& barrier) {
    for (Thread* waiting : barrier.waiting) wake(*waiting);
    barrier.waiting.clear();
    barrier.arrived = 0;
    barrier.expected = 0;
    ++barrier.generation;
    note_progress();
}

// Of all threads of the block.
void count_barrier(Block& block) {
    count_together(block);
    add_count(Counted::barrier, double(block.warp.size()));
}

// The current thread arrives at the barrier; if `waits`, until it opens.
void arrive(BlockBarrier& barrier, Thread& thread, int expected, const char* op, bool waits, Location at) {
    char* token = &barrier.tokens[barrier.generation % 2];
    release(token);
    {
        const TsanIgnore ignore;
        if (barrier.arrived == 0) {
            barrier.expected = expected;
            barrier.op = op;
            barrier.location = at;
        } else if (barrier.expected != expected) {
            fault(std::string(op) + " for " + std::to_string(expected) + " threads, while others wait in " +
                      barrier.op + " for " + std::to_string(barrier.expected) + " at " + barrier.location.text(),
                  at);
        }
        ++barrier.arrived;
        if (complete(barrier, *thread.on)) {
            if (counting && expected == all_live_threads) count_barrier(*thread.on);
            open(barrier);
        } else if (waits) {
            barrier.waiting.push_back(&thread);
            suspend(op, at);
        }
    }
    if (waits) acquire(token);
}

void arrive_at_syncthreads(const char* op, Location at) {
    Thread& thread = self(op, at);
    BlockBarrier& barrier = thread.on->barrier[0];
    if (barrier.arrived && !(barrier.location == at))
        fault(std::string(op) + ", while other threads of the block wait in " + barrier.op + " at " +
                  barrier.location.text() + ": all threads of the block must reach the same barrier",
              at);
    arrive(barrier, thread, all_live_threads, op, true, at);
}

BlockBarrier& named_barrier(Thread& thread, const char* op, int id, int threads, Location at) {
    if (id < 1 || id >= barriers_per_block)
        fault(std::string(op) + ": barrier " + std::to_string(id) + " is not one of 1 to 15 (0 is __syncthreads)", at);
    if (threads < warp_size || threads % warp_size || threads > thread.on->threads)
        fault(std::string(op) + ": " + std::to_string(threads) +
                  " threads is not a multiple of 32 within the block of " + std::to_string(thread.on->threads),
              at);
    return thread.on->barrier[id];
}

}  // namespace

void sync_threads(Location at) { arrive_at_syncthreads("__syncthreads", at); }

Votes sync_threads_and_vote(const char* op, bool vote, Location at) {
    Block& block = *self(op, at).on;
    const unsigned round = block.barrier[0].generation;
    if (!block.voters || block.vote_round != round) block.votes = block.voters = 0;
    block.vote_round = round;
    block.votes += vote;
    ++block.voters;
    arrive_at_syncthreads(op, at);
    const Votes result{block.votes, block.voters};
    arrive_at_syncthreads(op, at);  // all threads have read the votes
    return result;
}

void named_sync(int id, int threads, Location at) {
    Thread& thread = self("bar.sync", at);
    arrive(named_barrier(thread, "bar.sync", id, threads, at), thread, threads, "bar.sync", true, at);
}

void named_arrive(int id, int threads, Location at) {
    Thread& thread = self("bar.arrive", at);
    arrive(named_barrier(thread, "bar.arrive", id, threads, at), thread, threads, "bar.arrive", false, at);
}

void leave_barriers(Thread& thread) {
    BlockBarrier& barrier = thread.on->barrier[0];
    if (barrier.arrived && complete(barrier, *thread.on)) open(barrier);
}

}  // namespace gradus::emulator
