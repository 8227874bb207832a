#include "align/collect/schedule.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/philox.h"

namespace gradus {

namespace {

enum class RankPurpose { prompts, answers };

// Fisher and Yates.
template <class T>
std::vector<T> shuffled(size_t n, Philox random) {
    std::vector<T> order(n);
    std::iota(order.begin(), order.end(), T(0));
    for (size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.bits(i) % i]);
    return order;
}

}  // namespace

std::vector<size_t> RankSchedule::order_of_prompts(size_t n) const {
    return shuffled<size_t>(n, {key_of(seed, RankPurpose::prompts)});
}

bool RankSchedule::is_shared(size_t place) const {
    const auto shared_before = [&](size_t places) { return std::floor(double(places) * overlap + 1e-9); };
    return shared_before(place + 1) > shared_before(place);
}

std::vector<int> RankSchedule::order_of_answers(const std::string& rater, uint64_t prompt_identity,
                                                size_t answers) const {
    uint64_t name = fnv_start;
    for (char c : rater) name = fnv_step(name, uint8_t(c));
    return shuffled<int>(answers, {key_of(seed, RankPurpose::answers, name, prompt_identity)});
}

std::vector<int> ranks_of_answers(std::span<const int> shown, std::span<const int> order) {
    CHECK(shown.size() == order.size());
    std::vector<int> ranks(shown.size());
    for (size_t i = 0; i < shown.size(); ++i) ranks[size_t(order[i])] = shown[i];
    return ranks;
}

}  // namespace gradus
