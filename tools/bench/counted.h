#pragma once
// Ops that the emulator counts, with modelled times.
#include <functional>
#include <vector>

#include "kernels/simt/counters.h"
#include "tools/bench/model/counted_work.h"

namespace gradus {

struct CountedOp {
    std::vector<simt::LaunchCounts> launches;
    std::vector<TimeEstimate> estimates;
    double seconds = 0;             // modelled, of all launches one after the other
    std::string limit;              // of the longest launch
    double sectors = 0, ideal = 0;  // of global memory
    double wavefronts = 0, conflicts = 0;
    double footprint = 0;  // bytes
};

// Runs the op on counted_ops() or a counted rung, as on a GPU of this compute capability; 0: that of the card.
CountedOp count_op(const std::function<void()>& run, const Card&, const Registers&, int blocks, int capability = 0);

}  // namespace gradus
