#include "align/policy/minibatches.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/base/philox.h"

namespace gradus {

std::vector<std::vector<int>> minibatches(int answers, int count, uint64_t seed, int epoch) {
    std::vector<std::pair<uint64_t, int>> order;
    const Philox random{key_of(seed, uint64_t(epoch))};
    for (int i = 0; i < answers; ++i) order.push_back({random.bits(uint64_t(i)), i});
    std::sort(order.begin(), order.end());
    std::vector<std::vector<int>> all(static_cast<size_t>(count));
    for (int m = 0; m < count; ++m)
        for (int i = int(int64_t(answers) * m / count); i < int(int64_t(answers) * (m + 1) / count); ++i)
            all[size_t(m)].push_back(order[size_t(i)].second);
    return all;
}

}  // namespace gradus
