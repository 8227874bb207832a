#include "align/preference/mismatch.h"

#include <algorithm>
#include <utility>

#include "engine/base/philox.h"

namespace gradus {

namespace {

constexpr uint64_t mismatched_answers = 0x6b746f;  // purpose of the random numbers

}  // namespace

std::vector<int> partners_of_other_prompts(const std::vector<uint64_t>& prompts, uint64_t seed) {
    const size_t n = prompts.size();
    const Philox random{key_of(seed, mismatched_answers)};
    std::vector<std::pair<uint64_t, int>> order;
    for (size_t i = 0; i < n; ++i) order.push_back({random.bits(i), int(i)});
    std::sort(order.begin(), order.end());
    std::vector<int> partners(n, -1);
    // Backwards and twice around the circle: the second time every example knows the end of its run of equal prompts.
    int next = -1, after_run = -1;
    for (size_t j = 2 * n; j-- > 0;) {
        const int i = order[j % n].second;
        if (next >= 0 && prompts[size_t(next)] != prompts[size_t(i)]) after_run = next;
        partners[size_t(i)] = after_run;
        next = i;
    }
    return partners;
}

}  // namespace gradus
