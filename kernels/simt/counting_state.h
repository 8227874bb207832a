#pragma once
// The totals of a counted launch, between the hooks (counting.cpp) and the results (counters.cpp).
#include <array>
#include <unordered_set>
#include <vector>

#include "kernels/simt/counters.h"
#include "kernels/simt/counting.h"

namespace gradus::emulator {

struct Totals {
    double instructions = 0, bytes = 0, transactions = 0, ideal = 0;
};

using Sectors = std::unordered_set<uint64_t>;

// Of the blocks that ran.
struct LaunchTotals {
    simt::LaunchCounts result;
    double share = 1;                       // of the grid's blocks
    std::vector<std::array<Totals, 2>> at;  // by site and space
    std::array<double, counters> count{};
    Sectors read, written;  // of all blocks
    double block_read = 0, block_written = 0, copied = 0;
    double loaded = 0, loaded_in_flight = 0;  // bytes; the second weighted by how many were requested together
    double most_in_flight = 0;                // of asynchronous copies, summed over the blocks
};

struct CountingState {
    bool on = false;
    simt::CountingOptions options;
    LaunchTotals running;
    std::vector<LaunchTotals> done;
};

inline CountingState& counting_state() {
    static CountingState one;
    return one;
}

}  // namespace gradus::emulator
