#pragma once
// What a policy did and what it was worth: the answers of one iteration with everything that updates need of them. Every rank has
// all of it; rows are those of align/batches/sequence.h.
#include <vector>

#include "align/batches/sequence.h"

namespace gradus {

struct Experience {
    Sequences texts;                    // prompt and answer; learnt: the answer
    std::vector<double> old_log_probs;  // [rows] by the policy that sampled them, from the trainer's forward pass
    std::vector<double> reference;      // [rows] log-probabilities under the reference; empty: there is none
    std::vector<double> advantages;     // [rows]
    std::vector<double> old_values,
        returns;  // [rows] of the state in which the id is chosen; empty without a value model
};

}  // namespace gradus
