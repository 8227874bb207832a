#pragma once
// Policy losses of sampled tokens and ∂loss/∂log_prob of each. Row n is one sampled token, with ℓ = log π(token), ℓ_old that
// of the policy that sampled it, advantage A and weight w; r = exp(ℓ − ℓ_old). Each adds up over the learnt rows:
//
//   reinforce   loss = −Σ w·A·ℓ                                            ∂/∂ℓ = −w·A
//   ppo         loss = −Σ w·min(r·A, clip(r, 1−ε_low, 1+ε_high)·A)         ∂/∂ℓ = −w·A·r, or 0 where the clipped term decides
//               with dual clip c, A < 0:  −Σ w·max(min(…), c·A)            0 also where r > c
//   cispo       loss = −Σ w·[min(r, cap)]·A·ℓ, [·] without gradient        ∂/∂ℓ = −w·A·min(r, cap)
//   gspo        s = exp(mean over the sequence's learnt rows of (ℓ − ℓ_old))
//               loss = −Σ w·min(s·A, clip(s, 1−ε_low, 1+ε_high)·A)         ∂/∂ℓ[n] = −(s/|y|)·Σ_m w[m]·A[m]·[m not clipped],
//               m over the learnt rows of n's sequence, |y| their number
//
// The clip takes the gradient away only where it improves the objective: A > 0 and r > 1+ε_high, or A < 0 and r < 1−ε_low.
// Log-ratios are clamped to ±20; beyond that a row has no gradient. At r = 1 the loss is −Σ w·A, whose value says little:
// advantages of mean 0 make it 0, but not its gradient.
//
// The weights hold the normaliser of the whole batch (align/advantages/normaliser.h), so no function here divides by what
// it is given. Sources: Williams 1992 (REINFORCE); Schulman et al. 2017 (PPO); Ye et al. 2020 (dual clip); Yu et al. 2025
// (DAPO: two epsilons); MiniMax 2025 (CISPO); Zheng et al. 2025 (GSPO).
#include <cstdint>
#include <span>

#include "align/losses/logistic.h"
#include "align/losses/ratio_sums.h"
#include "align/sequences.h"

namespace gradus {

// Spans of the same length, a row each. What rows that are not learnt hold is not read.
template <class Scalar>
struct PolicyRows {
    std::span<const Scalar> log_probs;      // ℓ
    std::span<const double> old_log_probs;  // ℓ_old; reinforce does without
    std::span<const double> advantages;     // A
    std::span<const uint8_t> learnt;
    std::span<const double> weights;  // w
};

template <class Scalar>
struct PolicyLoss {
    Scalar loss = 0;
    RatioSums ratios;  // of tokens; of sequences for gspo
};

struct PolicyClip {
    double low = 0.2, high = 0.2;  // ε_low, ε_high
    double dual = 0;               // c, above 1; 0: none
};

namespace policy {

template <class Scalar>
void check(const PolicyRows<Scalar>& a, std::span<Scalar> d_log_probs, bool with_old = true) {
    const size_t N = a.log_probs.size();
    CHECK(a.advantages.size() == N && a.learnt.size() == N && a.weights.size() == N && d_log_probs.size() == N);
    CHECK(!with_old || a.old_log_probs.size() == N);
}

template <class Scalar>
Scalar clamped_log_ratio(const Scalar& log_ratio) {
    return clamped(log_ratio, -largest_log_ratio, largest_log_ratio);
}

template <class Scalar>
bool within_clamp(const Scalar& log_ratio) {
    return std::abs(real_of(log_ratio)) <= largest_log_ratio;
}

// The objective of one ratio and its derivative by the logarithm of the ratio.
template <class Scalar>
struct Surrogate {
    Scalar value, gradient;
    double clipped_low = 0, clipped_high = 0, clipped_dual = 0;  // 1 or 0
};

template <class Scalar>
Surrogate<Scalar> surrogate(const Scalar& ratio, double advantage, const PolicyClip& clip) {
    Surrogate<Scalar> s;
    s.value = smaller(ratio * advantage, clamped(ratio, 1 - clip.low, 1 + clip.high) * advantage);
    s.clipped_high = advantage > 0 && real_of(ratio) > 1 + clip.high;
    s.clipped_low = advantage < 0 && real_of(ratio) < 1 - clip.low;
    if (clip.dual > 0 && advantage < 0) {
        s.value = larger(s.value, Scalar(clip.dual * advantage));
        s.clipped_dual = real_of(ratio) > clip.dual;
    }
    const bool active = !(s.clipped_low > 0 || s.clipped_high > 0 || s.clipped_dual > 0);
    s.gradient = active ? ratio * advantage : Scalar(0);
    return s;
}

}  // namespace policy

// Each adds its gradient to d_log_probs [rows].

template <class Scalar>
PolicyLoss<Scalar> reinforce_loss(const PolicyRows<Scalar>& a, std::span<Scalar> d_log_probs) {
    policy::check(a, d_log_probs, false);
    PolicyLoss<Scalar> sum;
    for (size_t n = 0; n < a.log_probs.size(); ++n) {
        if (!a.learnt[n]) continue;
        sum.loss -= a.weights[n] * a.advantages[n] * a.log_probs[n];
        d_log_probs[n] -= a.weights[n] * a.advantages[n];
        if (!a.old_log_probs.empty())
            sum.ratios.add(real_of(policy::clamped_log_ratio(a.log_probs[n] - a.old_log_probs[n])));
    }
    return sum;
}

template <class Scalar>
PolicyLoss<Scalar> ppo_loss(const PolicyRows<Scalar>& a, std::span<Scalar> d_log_probs, const PolicyClip& clip = {}) {
    policy::check(a, d_log_probs);
    PolicyLoss<Scalar> sum;
    for (size_t n = 0; n < a.log_probs.size(); ++n) {
        if (!a.learnt[n]) continue;
        const Scalar log_ratio = a.log_probs[n] - a.old_log_probs[n];
        const Scalar kept = policy::clamped_log_ratio(log_ratio);
        const auto s = policy::surrogate(Scalar(std::exp(kept)), a.advantages[n], clip);
        sum.loss -= a.weights[n] * s.value;
        if (policy::within_clamp(log_ratio)) d_log_probs[n] -= a.weights[n] * s.gradient;
        sum.ratios.add(real_of(kept));
        sum.ratios.clipped_low += s.clipped_low;
        sum.ratios.clipped_high += s.clipped_high;
        sum.ratios.clipped_dual += s.clipped_dual;
    }
    return sum;
}

// cap: the largest weight of a row, 5 in TRL. A capped row keeps its gradient; ratios.clipped_high counts it.
template <class Scalar>
PolicyLoss<Scalar> cispo_loss(const PolicyRows<Scalar>& a, std::span<Scalar> d_log_probs, double cap = 5) {
    policy::check(a, d_log_probs);
    PolicyLoss<Scalar> sum;
    for (size_t n = 0; n < a.log_probs.size(); ++n) {
        if (!a.learnt[n]) continue;
        const double kept = policy::clamped_log_ratio(real_of(a.log_probs[n]) - a.old_log_probs[n]);
        const double factor = a.weights[n] * std::min(std::exp(kept), cap) * a.advantages[n];
        sum.loss -= factor * a.log_probs[n];
        d_log_probs[n] -= factor;
        sum.ratios.add(kept);
        sum.ratios.clipped_high += std::exp(kept) > cap;
    }
    return sum;
}

// A sequence counts as clipped where no row of it has a gradient.
template <class Scalar>
PolicyLoss<Scalar> gspo_loss(const PolicyRows<Scalar>& a, std::span<const int64_t> lengths,
                             std::span<Scalar> d_log_probs, const PolicyClip& clip = {.low = 3e-4, .high = 4e-4}) {
    policy::check(a, d_log_probs);
    PolicyLoss<Scalar> sum;
    for_each_sequence(lengths, a.log_probs.size(), [&](size_t, size_t first, size_t last) {
        Scalar log_ratio = 0;
        double count = 0;
        for (size_t n = first; n < last; ++n)
            if (a.learnt[n]) {
                log_ratio += a.log_probs[n] - a.old_log_probs[n];
                count += 1;
            }
        if (count == 0) return;
        log_ratio /= count;
        const Scalar kept = policy::clamped_log_ratio(log_ratio), ratio = std::exp(kept);
        Scalar d_log_ratio = 0;
        RatioSums rows;
        for (size_t n = first; n < last; ++n) {
            if (!a.learnt[n]) continue;
            const auto s = policy::surrogate(ratio, a.advantages[n], clip);
            sum.loss -= a.weights[n] * s.value;
            d_log_ratio -= a.weights[n] * s.gradient;
            rows.clipped_low += s.clipped_low;
            rows.clipped_high += s.clipped_high;
            rows.clipped_dual += s.clipped_dual;
        }
        if (policy::within_clamp(log_ratio))
            for (size_t n = first; n < last; ++n)
                if (a.learnt[n]) d_log_probs[n] += d_log_ratio / count;
        sum.ratios.add(real_of(kept));
        sum.ratios.clipped_low += rows.clipped_low == count;
        sum.ratios.clipped_high += rows.clipped_high == count;
        sum.ratios.clipped_dual += rows.clipped_dual == count;
    });
    return sum;
}

}  // namespace gradus
