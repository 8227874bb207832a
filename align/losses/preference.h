#pragma once
// Losses of a preferred answer (chosen, w) against another (rejected, l) to the same prompt, and their derivatives by the two
// sums of log-probabilities. With S = Σ log π(y) over the answer's tokens, S_ref that of the reference, |y| the number of
// tokens, ℓ̄ = S/|y|, Δ = S − S_ref and h = β(Δ_w − Δ_l):
//
//   dpo      −(1−ε)·log σ(h) − ε·log σ(−h)                   ε: the share of labels that are wrong (cDPO)
//   robust   [−(1−ε)·log σ(h) + ε·log σ(−h)] / (1 − 2ε)      unbiased under that noise; ε < ½
//   ipo      (Δ_w/|w| − Δ_l/|l| − 1/(2β))²                   per token, as in TRL
//   hinge    max(0, 1 − h)
//   simpo    as dpo with h = β(ℓ̄_w − ℓ̄_l) − γ                no reference
//   orpo     −ℓ̄_w − λ·log σ(o_w − o_l), o = ℓ̄ − log(1 − e^ℓ̄)    no reference; o: log odds
//
// and, to each, nll·(−ℓ̄_w) may be added, which keeps the chosen answer likely (RPO; 0.2 in Llama 3).
//
// A soft label p, the probability that w is the better answer, gives p·loss(w, l) + (1−p)·loss(l, w): of dpo it is
// −p·log σ(h) − (1−p)·log σ(−h), which is least at h = log(p/(1−p)).
//
// The derivative goes to each token's log-probability as it is: ∂/∂log_prob[n] = ∂/∂S (add_to_rows of align/sequences.h).
// The implicit rewards are β·Δ for dpo, robust and hinge, β·Δ/|y| for ipo, β·ℓ̄ for simpo and orpo. Normally both S fall
// in training, the rejected one faster.
//
// Sources: Rafailov et al. 2023 (DPO); Mitchell 2023 (cDPO); Chowdhury et al. 2024 (robust); Azar et al. 2023 (IPO); Zhao et
// al. 2023 (hinge: SLiC); Meng et al. 2024 (SimPO); Hong et al. 2024 (ORPO); Pang et al. 2024 (RPO); Bai et al. 2022 (soft
// labels: Constitutional AI).
#include "align/losses/logistic.h"
#include "engine/base/error.h"

namespace gradus {

enum class PreferenceKind { dpo, robust, ipo, hinge, simpo, orpo };

struct PreferenceConfig {
    PreferenceKind kind = PreferenceKind::dpo;
    double beta = 0.1;     // β; orpo has none, and shows rewards with it
    double smoothing = 0;  // ε of dpo, robust and simpo
    double margin = 0;     // γ of simpo
    double odds = 0.1;     // λ of orpo
    double nll = 0;        // weight of −ℓ̄_w
};

// Sums over the tokens of each answer. Without a reference (reference-free DPO) its sums are 0.
template <class Scalar>
struct PreferencePair {
    Scalar chosen = 0, rejected = 0;                      // S
    double reference_chosen = 0, reference_rejected = 0;  // S_ref
    double chosen_length = 1, rejected_length = 1;        // |y|, at least 1
    double probability = 1;                               // p: that the chosen answer is the better one

    PreferencePair exchanged() const {
        return {rejected, chosen, reference_rejected, reference_chosen, rejected_length, chosen_length};
    }
};

template <class Scalar>
struct PreferenceLoss {
    Scalar loss = 0, d_chosen = 0, d_rejected = 0;  // of this pair: a trainer divides by the pairs of the batch
    double chosen_reward = 0, rejected_reward = 0;

    double margin() const { return chosen_reward - rejected_reward; }
    // 1 where the chosen answer has the larger reward, ½ where they are equal, as before the first update.
    double accuracy() const { return margin() > 0 ? 1 : margin() < 0 ? 0 : 0.5; }
};

namespace preference {

// A function of one number h, and its derivative.
template <class Scalar>
struct Curve {
    Scalar value, slope;
};

// ℓ̄ from which on an answer counts as certain: log odds are cut off there, and have no gradient.
inline constexpr double certain = -1e-7;

// −(1−ε)·log σ(h) − ε·log σ(−h)
template <class Scalar>
Curve<Scalar> smoothed(const Scalar& h, double e) {
    return {-(1 - e) * log_sigmoid(h) - e * log_sigmoid(Scalar(-h)), -(1 - e) * sigmoid(Scalar(-h)) + e * sigmoid(h)};
}

template <class Scalar>
Curve<Scalar> unbiased(const Scalar& h, double e) {
    CHECK(e < 0.5, "labels that are wrong half of the time say nothing");
    return {(-(1 - e) * log_sigmoid(h) + e * log_sigmoid(Scalar(-h))) / (1 - 2 * e),
            (-(1 - e) * sigmoid(Scalar(-h)) - e * sigmoid(h)) / (1 - 2 * e)};
}

template <class Scalar>
Curve<Scalar> hinge(const Scalar& h) {
    return real_of(h) < 1 ? Curve<Scalar>{1.0 - h, Scalar(-1)} : Curve<Scalar>{Scalar(0), Scalar(0)};
}

template <class Scalar>
Curve<Scalar> square(const Scalar& u) {
    return {u * u, 2.0 * u};
}

// log(p / (1 − p)) of p = e^mean, and its derivative by the mean.
template <class Scalar>
Curve<Scalar> log_odds(const Scalar& mean) {
    const Scalar m = real_of(mean) < certain ? mean : Scalar(certain);
    return {m - log1m_exp(m), real_of(mean) < certain ? -1.0 / expm1_of(m) : Scalar(0)};
}

// Of a pair whose chosen answer is certainly the better one.
template <class Scalar>
PreferenceLoss<Scalar> certain_loss(const PreferenceConfig& c, const PreferencePair<Scalar>& p) {
    CHECK(p.chosen_length >= 1 && p.rejected_length >= 1, "an answer without tokens");
    const Scalar mean_w = p.chosen / p.chosen_length, mean_l = p.rejected / p.rejected_length;
    const Scalar delta_w = p.chosen - p.reference_chosen, delta_l = p.rejected - p.reference_rejected;
    const Scalar h = c.beta * (delta_w - delta_l);

    PreferenceLoss<Scalar> out;
    // f: the loss of a number; by_w, by_l: the derivatives of that number by S_w and −S_l.
    auto set = [&](const Curve<Scalar>& f, const Scalar& by_w, const Scalar& by_l) {
        out.loss = f.value;
        out.d_chosen = f.slope * by_w;
        out.d_rejected = -f.slope * by_l;
    };
    auto rewards = [&](const Scalar& w, const Scalar& l) {
        out.chosen_reward = c.beta * real_of(w);
        out.rejected_reward = c.beta * real_of(l);
    };
    const Scalar beta = c.beta, per_w = 1 / p.chosen_length, per_l = 1 / p.rejected_length;
    switch (c.kind) {
        case PreferenceKind::dpo:
            set(smoothed(h, c.smoothing), beta, beta);
            rewards(delta_w, delta_l);
            break;
        case PreferenceKind::robust:
            set(unbiased(h, c.smoothing), beta, beta);
            rewards(delta_w, delta_l);
            break;
        case PreferenceKind::hinge:
            set(hinge(h), beta, beta);
            rewards(delta_w, delta_l);
            break;
        case PreferenceKind::ipo:
            set(square(Scalar(delta_w * per_w - delta_l * per_l - 1 / (2 * c.beta))), per_w, per_l);
            rewards(delta_w * per_w, delta_l * per_l);
            break;
        case PreferenceKind::simpo:
            set(smoothed(Scalar(beta * (mean_w - mean_l) - c.margin), c.smoothing), beta * per_w, beta * per_l);
            rewards(mean_w, mean_l);
            break;
        case PreferenceKind::orpo: {
            const Curve<Scalar> w = log_odds(mean_w), l = log_odds(mean_l);
            set(smoothed(Scalar(w.value - l.value), 0), w.slope * per_w, l.slope * per_l);
            out.loss = c.odds * out.loss - mean_w;
            out.d_chosen = c.odds * out.d_chosen - per_w;
            out.d_rejected *= c.odds;
            rewards(mean_w, mean_l);
            break;
        }
    }
    out.loss -= c.nll * mean_w;
    out.d_chosen -= c.nll * per_w;
    return out;
}

}  // namespace preference

template <class Scalar>
PreferenceLoss<Scalar> preference_loss(const PreferenceConfig& c, const PreferencePair<Scalar>& pair) {
    PreferenceLoss<Scalar> out = preference::certain_loss(c, pair);
    if (pair.probability == 1) return out;
    const double p = pair.probability;
    const PreferenceLoss<Scalar> other = preference::certain_loss(c, pair.exchanged());
    out.loss = p * out.loss + (1 - p) * other.loss;
    out.d_chosen = p * out.d_chosen + (1 - p) * other.d_rejected;
    out.d_rejected = p * out.d_rejected + (1 - p) * other.d_chosen;
    return out;
}

}  // namespace gradus
