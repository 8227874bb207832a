#pragma once
// What becomes of the score of an answer before it is a reward.
//
//   shaped    clip((score − mean)/sd, ±clip), then without an end: less a penalty, or replaced by it
//   overlong  0                          |y| ≤ L − cache
//             ((L − cache) − |y|)/cache  L − cache < |y| ≤ L           added to the score; −1 beyond L
//
// mean and sd are those of the scores of the policy that training starts from, so that one β fits every reward model. L is
// the most tokens that an answer may have, cache the length of the slope before it. Sources: Ziegler et al. 2019
// (normalisation); Stiennon et al. 2020, Huang et al. 2024 (missing end); Yu et al. 2025 (DAPO: overlong).
#include <cstdint>
#include <span>

namespace gradus {

struct ScoreShape {
    double mean = 0, sd = 1;  // an sd of 0 (all scores equal) divides by 1
    double clip = 0;          // 0: none
    double missing_end = 0;   // penalty of an answer that did not end
    bool replace = false;     // its score is −missing_end, whatever it was
};

double shaped_score(const ScoreShape&, double score, bool ended);

// length: tokens of the answer, its end included; longest: L. With cache 0: 0 up to L, −1 beyond.
double overlong_penalty(int64_t length, int64_t longest, int64_t cache);

// Throws an Error where a score that is there is infinite or not a number.
void require_finite(std::span<const double> scores, std::span<const uint8_t> scored);

}  // namespace gradus
