#pragma once
// The progress of a run, shared by its loop, log and checkpoints.
#include <cstdint>
#include <vector>

#include "engine/checkpoint/best_validation.h"

namespace gradus {

struct RunState {
    int64_t step = 0, tokens = 0;  // done
    // Steps of the checkpoints that a rollback may load, in ascending order; known on rank 0.
    std::vector<int64_t> rollback_targets = {};
    BestValidation best = {};
};

}  // namespace gradus
