#pragma once
// The divergence of the policy π from a reference, estimated from sampled tokens, as a loss term. With x = ℓ − ℓ_ref, the
// log-ratio of a token that π sampled:
//
//   k1                     x                         ∂/∂ℓ = 1
//   k2                     x²/2                      ∂/∂ℓ = x
//   k3                     e^−x − 1 + x              ∂/∂ℓ = 1 − e^−x
//   k3_with_k2_gradient    e^−x − 1 + x              ∂/∂ℓ = x
//
// k1 and k3 are unbiased estimates of KL(π ‖ ref), k2 is not; k2 and k3 are never negative. As a loss it is the gradient that
// matters, and on samples of π itself its expectation is
//
//   k1   0: it teaches nothing; it is a reward (align/advantages/token_rewards.h)
//   k2   ∇KL(π ‖ ref)
//   k3   ∇KL(ref ‖ π), the other direction: what GRPO uses
//
// so k3_with_k2_gradient shows the unbiased value and follows the right gradient. x is clamped to ±20; beyond that a row
// has no gradient. Sources: Schulman 2020, "Approximating KL divergence"; Shao et al. 2024 (GRPO); verl (k3+).
#include <cstdint>
#include <span>

#include "align/losses/logistic.h"
#include "align/losses/ratio_sums.h"
#include "engine/base/error.h"

namespace gradus {

enum class Kl { k1, k2, k3, k3_with_k2_gradient };

template <class Scalar>
struct KlTerm {
    Scalar value, gradient;  // ∂value/∂ℓ, or what stands for it
};

template <class Scalar>
KlTerm<Scalar> kl_term(Kl kind, const Scalar& log_ratio) {
    const Scalar x = clamped(log_ratio, -largest_log_ratio, largest_log_ratio);
    const double within = std::abs(real_of(log_ratio)) <= largest_log_ratio;
    switch (kind) {
        case Kl::k1: return {x, Scalar(within)};
        case Kl::k2: return {0.5 * x * x, within * x};
        case Kl::k3: return {expm1_of(-x) + x, -within * expm1_of(-x)};
        case Kl::k3_with_k2_gradient: return {expm1_of(-x) + x, within * x};
    }
    CHECK(false);
    return {};
}

template <class Scalar>
struct KlLoss {
    Scalar loss = 0;                   // Σ β·w·value
    double count = 0, k1 = 0, k3 = 0;  // over the learnt rows: their number, Σ x, Σ (e^−x − 1 + x)
};

// Adds Σ β·w·value over the learnt rows, and its gradient to d_log_probs. All spans have a row each.
template <class Scalar>
KlLoss<Scalar> kl_loss(Kl kind, double beta, std::span<const Scalar> log_probs, std::span<const double> reference,
                       std::span<const uint8_t> learnt, std::span<const double> weights,
                       std::span<Scalar> d_log_probs) {
    const size_t N = log_probs.size();
    CHECK(reference.size() == N && learnt.size() == N && weights.size() == N && d_log_probs.size() == N);
    KlLoss<Scalar> sum;
    for (size_t n = 0; n < N; ++n) {
        if (!learnt[n]) continue;
        const Scalar log_ratio = log_probs[n] - reference[n];
        const KlTerm<Scalar> term = kl_term(kind, log_ratio);
        sum.loss += beta * weights[n] * term.value;
        d_log_probs[n] += beta * weights[n] * term.gradient;
        sum.count += 1;
        sum.k1 += kl_term(Kl::k1, real_of(log_ratio)).value;
        sum.k3 += kl_term(Kl::k3, real_of(log_ratio)).value;
    }
    return sum;
}

}  // namespace gradus
