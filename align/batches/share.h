#pragma once
// What a rank of dp does of a list, and how it learns of the rest.
#include <span>
#include <vector>

#include "engine/comm.h"

namespace gradus {

struct Share {  // [first, last) of `count` things
    int first, last;
};
// Neighbouring parts whose sizes differ by one at the most.
inline Share share_of(int count, const Comm& dp) {
    return {int(int64_t(count) * dp.rank / dp.size), int(int64_t(count) * (dp.rank + 1) / dp.size)};
}

// Each rank filled its part of `numbers` and left the others 0; then every rank has all. In host memory.
inline void join(std::vector<double>& numbers, const Comm& dp) { dp.sum(std::span(numbers)); }

}  // namespace gradus
