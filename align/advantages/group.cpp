#include "align/advantages/group.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "align/advantages/scores.h"
#include "engine/base/error.h"

namespace gradus {

namespace {

struct GroupSpread {
    double count = 0, mean = 0, sd = 0, least = std::numeric_limits<double>::infinity(), largest = -least;
};

GroupSpread spread_of(std::span<const double> scores, std::span<const uint8_t> scored) {
    GroupSpread s;
    for (size_t i = 0; i < scores.size(); ++i) {
        if (!scored[i]) continue;
        s.count += 1;
        s.mean += (scores[i] - s.mean) / s.count;
        s.least = std::min(s.least, scores[i]);
        s.largest = std::max(s.largest, scores[i]);
    }
    double squares = 0;
    for (size_t i = 0; i < scores.size(); ++i)
        if (scored[i]) squares += (scores[i] - s.mean) * (scores[i] - s.mean);
    if (s.count > 1) s.sd = std::sqrt(squares / (s.count - 1));
    return s;
}

double factor_of(GroupAdvantage kind, const GroupSpread& s) {
    switch (kind) {
        case GroupAdvantage::grpo: return 1 / (s.sd + 1e-4);
        case GroupAdvantage::dr_grpo: return 1;
        case GroupAdvantage::rloo: return s.count / (s.count - 1);
    }
    CHECK(false);
    return 0;
}

}  // namespace

void GroupSums::operator+=(const GroupSums& o) {
    groups += o.groups;
    without_spread += o.without_spread;
    answers += o.answers;
    unscored += o.unscored;
}

bool has_spread(std::span<const double> scores, std::span<const uint8_t> scored) {
    const GroupSpread s = spread_of(scores, scored);
    return s.count > 1 && s.least < s.largest;
}

GroupSums group_advantages(GroupAdvantage kind, std::span<const double> scores, std::span<const uint8_t> scored,
                           int64_t group_size, std::span<double> advantages) {
    CHECK(group_size > 0 && scores.size() % size_t(group_size) == 0);
    CHECK(scored.size() == scores.size() && advantages.size() == scores.size());
    require_finite(scores, scored);
    const size_t G = size_t(group_size);
    GroupSums sums;
    for (size_t first = 0; first < scores.size(); first += G) {
        const auto group = scores.subspan(first, G);
        const auto present = scored.subspan(first, G);
        const GroupSpread s = spread_of(group, present);
        const bool teaches = s.count > 1 && s.least < s.largest;
        for (size_t i = 0; i < G; ++i)
            advantages[first + i] = teaches && present[i] ? (group[i] - s.mean) * factor_of(kind, s) : 0;
        sums.groups += 1;
        sums.without_spread += !teaches;
        sums.answers += double(G);
        sums.unscored += double(G) - s.count;
    }
    return sums;
}

}  // namespace gradus
