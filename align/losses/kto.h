#pragma once
// KTO: the loss of one answer that is known to be desirable or not, without a partner. With Δ = S − S_ref as in
// align/losses/preference.h and a reference point z0 ≥ 0:
//
//   desirable     λ_D·(1 − σ(β(Δ − z0)))        ∂/∂S = −λ_D·β·σ(u)·σ(−u),  u = β(Δ − z0)
//   undesirable   λ_U·(1 − σ(β(z0 − Δ)))        ∂/∂S = +λ_U·β·σ(u)·σ(−u)
//   z0            max(0, mean of Δ over mismatched answers), without gradient
//
// A mismatched answer belongs to another prompt of the batch, so that z0 estimates KL(π ‖ ref) and not the reward; it is
// computed over the batch of all ranks, which must have more than one answer. Keep λ_D·n_D / (λ_U·n_U) within [1, 4/3], n
// the numbers of answers. Source: Ethayarajh et al. 2024.
#include <algorithm>

#include "align/losses/logistic.h"

namespace gradus {

struct KtoConfig {
    double beta = 0.1;
    double desirable = 1, undesirable = 1;  // λ_D, λ_U
};

template <class Scalar>
struct KtoLoss {
    Scalar loss = 0, d_log_prob = 0;  // d_log_prob: ∂loss/∂S
    double reward = 0;                // β·Δ
};

// z0 from the sum of Δ over `count` mismatched answers of all ranks.
inline double kto_reference_point(double sum, double count) { return count > 0 ? std::max(0.0, sum / count) : 0; }

template <class Scalar>
KtoLoss<Scalar> kto_loss(const KtoConfig& c, const Scalar& log_prob, double reference, bool desirable,
                         double reference_point) {
    const Scalar delta = log_prob - reference, u = c.beta * (delta - reference_point);
    const Scalar slope = c.beta * sigmoid(u) * sigmoid(Scalar(-u));
    KtoLoss<Scalar> out;
    out.loss = desirable ? c.desirable * sigmoid(Scalar(-u)) : c.undesirable * sigmoid(u);
    out.d_log_prob = desirable ? -c.desirable * slope : c.undesirable * slope;
    out.reward = c.beta * real_of(delta);
    return out;
}

}  // namespace gradus
