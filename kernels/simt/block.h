#pragma once
// What the emulator keeps of a block, its warps and its threads while they are on the machine.
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "kernels/simt/collective.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/place.h"
#include "kernels/simt/shared.h"
#include "kernels/simt/thread.h"

namespace gradus::emulator {

struct Block;
struct AsyncState;   // copies.cpp: a thread's copies in flight
struct BarrierSet;   // mbarrier.cpp: the block's mbarriers
struct MultiplySet;  // warpgroup.cpp: what its warpgroups have under way
class RegisterPool;  // register_pool.h

enum class ThreadState : uint8_t { ready, waiting, exited };

struct Thread : Coordinates {
    Block* on = nullptr;
    int rank = 0, lane = 0;  // in the block; in the warp
    ThreadState state = ThreadState::ready;
    Fiber* fiber = nullptr;  // none before it starts, none after it has exited
    const char* word = "";   // what it waits in, and where
    Place place;
    void* operands = nullptr;  // what it brought to a collective

    enum class Fence : uint8_t { none, block, device };
    Fence fence = Fence::none;           // the widest it has passed: what its atomics tell others (atomics.cpp)
    std::vector<void*> observed;         // the atomics that its next fence learns from
    std::shared_ptr<AsyncState> copies;  // empty until the first
};

// Lanes that have come to a collective and wait for the rest of its mask.
struct Meeting {
    LaneSet mask, arrived;
    const char* word = "";
    Place place;  // of the first who came
    char* token = nullptr;
};

// Those of a warp or of a warpgroup.
struct Meetings {
    std::vector<Meeting> open;  // masks of the same warp may wait side by side
    LaneSet gone;               // lanes that have exited, or that the block does not have
    unsigned held = 0;
    char tokens[64] = {};  // names for ThreadSanitizer, used in turn
};

// Barrier i of a block. 0 is __syncthreads.
struct BlockBarrier {
    int expected = 0;  // 0 while nobody has come
    int arrived = 0;
    const char* word = "";
    Place place;  // of the first who came
    unsigned generation = 0;
    std::vector<Thread*> waiting;
    char tokens[2] = {};  // used in turn: who comes for the next round must not seem to have come for this one
};

constexpr int barriers_of_a_block = 16, threads_of_a_warp = 32;

struct Block {
    uint3 index{};
    int threads = 0, live = 0;
    int votes = 0, voters = 0;  // of __syncthreads_count and its like, in the round of barrier 0
    unsigned vote_round = 0;
    std::vector<Thread> thread;
    std::vector<Meetings> warp, warpgroup;
    BlockBarrier barrier[barriers_of_a_block];
    SharedMemory shared;
    std::shared_ptr<BarrierSet> mbarriers;  // empty until the first
    std::shared_ptr<MultiplySet> multiplies;
    std::shared_ptr<RegisterPool> registers;
    std::map<void*, char> tokens;  // names for ThreadSanitizer, of atomics within the block

    Meetings& meetings(Team team, const Thread& t) {
        return (team == Team::warp ? warp : warpgroup)[size_t(t.rank / size_of(team))];
    }
};

// The thread that runs now. A Fault on the host, where there is none.
Thread& self(const char* word, Place at);

// Fault: not all of these bytes are shared memory of the running thread's block.
void check_shared(const char* word, const void* address, size_t bytes, Place at);

// The scheduler (machine.cpp), as barriers and collectives use it.
void wait_in(const char* word, Place at);  // stops the running thread; returns after somebody has woken it
void wake(Thread& thread);
void yield_in(const char* word, Place at);  // lets others go first; for loops that spin on memory
void progress();                            // something happened that a spinning thread may wait for

// A thread leaves: those who wait at barriers no longer wait for it (barrier.cpp), and those of its warp or warpgroup
// who counted on it in a collective are a Fault (collective.cpp).
void leave_barriers(Thread& thread);
void leave_meetings(Thread& thread);

}  // namespace gradus::emulator
