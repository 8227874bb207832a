#pragma once
// The emulator's state of a resident block, its warps and its threads.
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "kernels/simt/collective.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/location.h"
#include "kernels/simt/shared.h"
#include "kernels/simt/thread.h"

namespace gradus::emulator {

struct Block;
struct AsyncState;   // copies.cpp: a thread's copies in flight
struct BarrierSet;   // mbarrier.cpp: the block's mbarriers
struct WgmmaSet;     // warpgroup.cpp: wgmmas in flight
struct BlockCounts;  // counting.cpp
class RegisterPool;  // register_pool.h

enum class ThreadState : uint8_t { ready, waiting, exited };

struct Thread : Coordinates {
    Block* on = nullptr;
    int rank = 0, lane = 0;  // in the block; in the warp
    ThreadState state = ThreadState::ready;
    Fiber* fiber = nullptr;  // null before the thread starts and after it exits
    const char* op = "";     // where it waits
    Location location;
    void* operands = nullptr;  // of its current collective

    enum class Fence : uint8_t { none, block, device };
    Fence fence = Fence::none;           // the widest so far: the scope at which its atomics release (atomics.cpp)
    std::vector<void*> observed;         // atomics that its next fence acquires
    std::shared_ptr<AsyncState> copies;  // null until the first
};

// A collective at which some lanes have arrived and wait for the rest of its mask.
struct PendingCollective {
    LaneSet mask, arrived;
    const char* op = "";
    Location location;  // of the first lane that arrived
    char* token = nullptr;
};

// The collectives of a warp or of a warpgroup.
struct TeamState {
    std::vector<PendingCollective> pending;  // several masks of one warp may wait at the same time
    LaneSet absent;                          // lanes that have exited, or that the block does not have
    unsigned started = 0;                    // collectives so far
    char tokens[64] = {};                    // ThreadSanitizer tokens, used in turn
};

// Barrier i of a block. 0 is __syncthreads.
struct BlockBarrier {
    int expected = 0;  // 0 until the first thread arrives
    int arrived = 0;
    const char* op = "";
    Location location;  // of the first thread that arrived
    unsigned generation = 0;
    std::vector<Thread*> waiting;
    char tokens[2] = {};  // used in turn, so that an arrival in the next generation does not count as one in this
};

constexpr int barriers_per_block = 16, warp_size = 32;

struct Block {
    uint3 index{};
    int threads = 0, live = 0;
    int votes = 0, voters = 0;  // of __syncthreads_count, _or and _and, in generation vote_round of barrier 0
    unsigned vote_round = 0;
    std::vector<Thread> thread;
    std::vector<TeamState> warp, warpgroup;
    BlockBarrier barrier[barriers_per_block];
    SharedMemory shared;
    std::shared_ptr<BarrierSet> mbarriers;  // this and the next two are null until the first use
    std::shared_ptr<WgmmaSet> wgmmas;
    std::shared_ptr<RegisterPool> registers;
    std::shared_ptr<BlockCounts> counts;  // counting.cpp; null until the first access, and unless counting
    std::map<void*, char> tokens;         // ThreadSanitizer tokens of atomics at block scope

    TeamState& team_state(Team team, const Thread& t) {
        return (team == Team::warp ? warp : warpgroup)[size_t(t.rank / size_of(team))];
    }
};

// The running thread. Fault: called on the host.
Thread& self(const char* op, Location at);

// Fault: not all of these bytes are shared memory of the running thread's block.
void check_shared(const char* op, const void* address, size_t bytes, Location at);

// The scheduler (machine.cpp).
void suspend(const char* op, Location at);  // suspends the running thread until wake()
void wake(Thread& thread);
void yield(const char* op, Location at);  // lets other threads run first, for loops that spin on memory

// A thread exits: __syncthreads no longer waits for it (barrier.cpp). Fault: a collective of its warp or warpgroup waits for it
// (collective.cpp).
void leave_barriers(Thread& thread);
void leave_collectives(Thread& thread);

}  // namespace gradus::emulator
