#include "align/advantages/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"

namespace gradus {

double shaped_score(const ScoreShape& s, double score, bool ended) {
    if (!ended && s.replace) return -s.missing_end;
    double shaped = (score - s.mean) / (s.sd > 0 ? s.sd : 1);
    if (s.clip > 0) shaped = std::clamp(shaped, -s.clip, s.clip);
    return ended ? shaped : shaped - s.missing_end;
}

double overlong_penalty(int64_t length, int64_t longest, int64_t cache) {
    CHECK(cache >= 0 && cache <= longest);
    if (length > longest) return -1;
    const int64_t over = length - (longest - cache);
    return over > 0 ? -double(over) / double(cache) : 0;
}

void require_finite(std::span<const double> scores, std::span<const uint8_t> scored) {
    CHECK(scored.size() == scores.size());
    for (size_t i = 0; i < scores.size(); ++i)
        if (scored[i] && !std::isfinite(scores[i]))
            throw Error(fmt::format("the score of answer {} of the batch is {}", i + 1, scores[i]),
                        "advantages need finite scores, and one such score would spoil the whole group",
                        "let the reward leave out the score of an answer that it cannot judge");
}

}  // namespace gradus
