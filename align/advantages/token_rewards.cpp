#include "align/advantages/token_rewards.h"

#include "align/sequences.h"

namespace gradus {

void TokenRewardSums::operator+=(const TokenRewardSums& o) {
    answers += o.answers;
    tokens += o.tokens;
    kl += o.kl;
    penalty += o.penalty;
    score += o.score;
}

TokenRewardSums token_rewards(const TokenRewardInputs& a, double beta, std::span<double> rewards, Kl kind) {
    const size_t N = a.log_probs.size();
    CHECK(a.reference.size() == N && a.learnt.size() == N && rewards.size() == N);
    CHECK(a.scores.size() == a.lengths.size());
    TokenRewardSums sums;
    for_each_sequence(a.lengths, N, [&](size_t b, size_t first, size_t last) {
        size_t end = last;  // the last learnt row
        for (size_t n = first; n < last; ++n) {
            rewards[n] = 0;
            if (!a.learnt[n]) continue;
            const double log_ratio = a.log_probs[n] - a.reference[n];
            const double penalty = beta * kl_term(kind, log_ratio).value;
            rewards[n] = -penalty;
            sums.tokens += 1;
            sums.kl += log_ratio;
            sums.penalty += penalty;
            end = n;
        }
        if (end == last) return;
        rewards[end] += a.scores[b];
        sums.answers += 1;
        sums.score += a.scores[b];
    });
    return sums;
}

}  // namespace gradus
