#pragma once
// The advantage of each of the G answers to one prompt among the others, without a value model. Over the n answers of the
// group that have a score:
//
//   grpo       A = (score − mean) / (sd + 1e-4)                        sd unbiased, over n − 1
//   dr_grpo    A = score − mean
//   rloo       A = score − mean of the other n − 1 scores = n/(n−1)·(score − mean)
//
// It is the advantage of every token of the answer. An answer without a score (its reward program failed) has advantage 0
// and is no part of mean and sd: a score of 0 would be a judgement. Its rows must not be learnt either, so that it is not in
// the normaliser. A group whose scores are all equal, or with fewer than two, has advantages of exactly 0 and teaches
// nothing; the share of such groups says how much of a batch is used. Sources: Kool et al. 2019, Ahmadian et al. 2024 (RLOO);
// Shao et al. 2024 (GRPO); Liu et al. 2025 (Dr. GRPO).
#include <cstdint>
#include <span>

namespace gradus {

enum class GroupAdvantage { grpo, dr_grpo, rloo };

struct GroupSums {
    double groups = 0, without_spread = 0;  // groups; those that teach nothing
    double answers = 0, unscored = 0;

    void operator+=(const GroupSums&);
};

// Whether the scores of a group differ: its advantages are not all 0. Only those with 1 in scored count.
bool has_spread(std::span<const double> scores, std::span<const uint8_t> scored);

// scores, scored (1: there is a score) and advantages [groups·group_size], a group's answers one after the other.
// advantages is written.
GroupSums group_advantages(GroupAdvantage, std::span<const double> scores, std::span<const uint8_t> scored,
                           int64_t group_size, std::span<double> advantages);

}  // namespace gradus
