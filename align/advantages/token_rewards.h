#pragma once
// The reward of each sampled token in PPO: the price of leaving the reference, and on the last token the score of the answer.
//
//   reward[n] = −β·kl(ℓ_old − ℓ_ref) + [n is the last learnt row of its sequence]·score
//
// kl is an estimate of align/losses/kl.h; k1, the plain log-ratio, makes the gradient of the expected reward exactly that of
// E[score] − β·KL(π ‖ ref). The last learnt row is that of the end-of-turn token, if the answer ended. Sources: Ziegler et
// al. 2019; Stiennon et al. 2020; Ouyang et al. 2022.
#include <cstdint>
#include <span>

#include "align/losses/kl.h"

namespace gradus {

// Spans of rows, but lengths and scores, which have a sequence each.
struct TokenRewardInputs {
    std::span<const double> log_probs, reference;  // ℓ_old, ℓ_ref
    std::span<const uint8_t> learnt;
    std::span<const int64_t> lengths;
    std::span<const double> scores;
};

// Sums over sequences, which ranks may add: KL per answer = kl / answers, reward = score − β·kl of each.
struct TokenRewardSums {
    double answers = 0, tokens = 0;  // sequences with a learnt row; learnt rows
    double kl = 0;                   // Σ over tokens of ℓ_old − ℓ_ref, whatever the estimate in the reward
    double penalty = 0;              // Σ over tokens of β·kl
    double score = 0;

    void operator+=(const TokenRewardSums&);
};

// rewards [rows] is written: 0 in rows that are not learnt. The score of a sequence without a learnt row is lost.
TokenRewardSums token_rewards(const TokenRewardInputs&, double beta, std::span<double> rewards, Kl kind = Kl::k1);

}  // namespace gradus
