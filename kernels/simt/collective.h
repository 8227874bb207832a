#pragma once
// The one rendezvous of all collectives, of a warp or of a warpgroup. Every lane of a mask comes with a pointer to its operands
// and stops; the last to come carries the operation out for all of them, and they go on.
//
// What is checked, here and for all of them: the lane is in its own mask; no lane of the mask has exited or is missing from
// the block; the lanes are all in the same operation; a lane that waits for another is not waited for by it with another
// mask. A Fault names both places.
#include <bitset>
#include <cstdint>

#include "kernels/simt/place.h"

namespace gradus::emulator {

struct Block;

// Threads of a block whose ranks follow each other; the value is how many. A thread's lane is its place among them.
enum class Team { warp = 32, warpgroup = 128 };
constexpr int size_of(Team team) { return int(team); }

using LaneSet = std::bitset<size_of(Team::warpgroup)>;  // a warp has the first 32

// The operands that the lanes brought.
class Lanes {
public:
    Lanes(Block& block, int first, const LaneSet& mask) : block_(block), first_(first), mask_(mask) {}
    const LaneSet& mask() const { return mask_; }
    bool has(int lane) const { return mask_[size_t(lane)]; }
    void* operands(int lane) const;
    template <class Operands>
    Operands& of(int lane) const {
        return *static_cast<Operands*>(operands(lane));
    }
    // The place the lane came from, and a Fault that points there.
    [[noreturn]] void fault_at(int lane, const std::string& what) const;

private:
    Block& block_;
    int first_;
    LaneSet mask_;
};

using Combine = void (*)(const Lanes&);

// Returns when all lanes of the mask have come and combine() has run. orders_memory: what lanes wrote before is visible to
// the others after, as with __syncwarp and unlike shuffles and votes. True in the lane that came last.
bool meet(const char* word, Team team, const LaneSet& mask, void* operands, Combine combine, Place at,
          bool orders_memory = false);

// All lanes, for the instructions that are .aligned (ldmatrix, mma, …).
constexpr uint32_t all_lanes = 0xffffffffu;
const LaneSet& all_of(Team team);

enum class Shuffle { index, up, down, exclusive_or };
uint64_t shuffle(Shuffle kind, const char* word, uint32_t mask, uint64_t bits, int argument, int width, Place at);

uint32_t ballot(const char* word, uint32_t mask, bool vote, Place at);

enum class Reduction { add, minimum, maximum, minimum_signed, maximum_signed, bit_and, bit_or, bit_xor };
uint32_t reduce(Reduction kind, const char* word, uint32_t mask, uint32_t value, Place at);

void sync_warp(uint32_t mask, Place at);

// bit i of the result: lane i brought the same bits
uint32_t match_any(uint32_t mask, uint64_t bits, Place at);

}  // namespace gradus::emulator
