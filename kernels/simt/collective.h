#pragma once
// The rendezvous that implements all collectives of a warp or of a warpgroup. Every lane of the mask arrives with a pointer to
// its operands and waits; the last to arrive performs the operation for all lanes, and they continue.
//
// Checks for every collective: the lane is in its own mask; no lane of the mask has exited or is missing from the block; all
// lanes are in the same operation; no two lanes wait for each other with different masks. A Fault names both source lines.
#include <bitset>
#include <cstdint>

#include "kernels/simt/location.h"

namespace gradus::emulator {

struct Block;

// Consecutive threads of a block; the value is their number. A thread's lane is its index in its team.
enum class Team { warp = 32, warpgroup = 128 };
constexpr int size_of(Team team) { return int(team); }

using LaneSet = std::bitset<size_of(Team::warpgroup)>;  // a warp has the first 32

// The operands of all lanes.
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
    // A Fault at the source line of this lane's call.
    [[noreturn]] void fault_at(int lane, const std::string& what) const;

private:
    Block& block_;
    int first_;
    LaneSet mask_;
};

using Combine = void (*)(const Lanes&);

// Returns when all lanes of the mask have arrived and combine() has run; true in the last lane to arrive. orders_memory: writes
// of each lane before the call are visible to the others after it, as with __syncwarp and unlike shuffles and votes.
bool rendezvous(const char* op, Team team, const LaneSet& mask, void* operands, Combine combine, Location at,
                bool orders_memory = false);

// The full mask, of .aligned instructions (ldmatrix, mma, …).
constexpr uint32_t all_lanes = 0xffffffffu;
const LaneSet& all_of(Team team);

enum class Shuffle { index, up, down, exclusive_or };
uint64_t shuffle(Shuffle kind, const char* op, uint32_t mask, uint64_t bits, int argument, int width, Location at);

uint32_t ballot(const char* op, uint32_t mask, bool vote, Location at);

enum class Reduction { add, minimum, maximum, minimum_signed, maximum_signed, bit_and, bit_or, bit_xor };
uint32_t reduce(Reduction kind, const char* op, uint32_t mask, uint32_t value, Location at);

void sync_warp(uint32_t mask, Location at);

// Bit i of the result: lane i has the same bits.
uint32_t match_any(uint32_t mask, uint64_t bits, Location at);

}  // namespace gradus::emulator
