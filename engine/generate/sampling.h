#pragma once
// How the next token is chosen from the model's distribution. The mathematics, the order of the filters and their
// sources: kernels/sampling.h.
#include <cstdint>

namespace gradus {

struct Sampling {
    double temperature = 1;         // 0: greedy
    int top_k = 0;                  // 0: no limit
    double top_p = 1;               // 1: no limit
    double min_p = 0;               // 0: no limit
    double repetition_penalty = 1;  // 1: none
    uint64_t seed = 1;

    bool operator==(const Sampling&) const = default;
};

// Error naming the setting that is out of range.
void validate(const Sampling&);

}  // namespace gradus
