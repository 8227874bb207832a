#pragma once
// How far a run is: what its loop, its log and its checkpoints agree on.
#include <cstdint>
#include <vector>

namespace gradus {

struct RunState {
    int64_t step = 0, tokens = 0;  // done
    // Steps of the checkpoints that a rollback may lead to, in ascending order; known to the first rank.
    std::vector<int64_t> rollback_targets = {};
};

}  // namespace gradus
