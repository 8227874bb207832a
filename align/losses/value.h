#pragma once
// The loss of a value model v against returns R, clipped around the values v_old of when the answers were sampled, and how
// much of the returns the values explain.
//
//   v_clip = v_old + clamp(v − v_old, ±ε)
//   loss   = Σ w·½·max((v − R)², (v_clip − R)²)       over the learnt rows
//   ∂/∂v   = w·(v − R) where (v − R)² ≥ (v_clip − R)², else 0
//
//   explained variance = 1 − Var(R − v) / Var(R)      1: perfect; 0: no better than a constant; below 0: worse than one
//
// The weights hold the normaliser of the whole batch, as those of align/losses/policy.h. Source: Schulman et al. 2017 and
// its code (OpenAI baselines).
#include <cstdint>
#include <span>

#include "align/advantages/moments.h"
#include "align/losses/logistic.h"
#include "engine/base/error.h"

namespace gradus {

// Spans of the same length, a row each. What rows that are not learnt hold is not read.
template <class Scalar>
struct ValueRows {
    std::span<const Scalar> values;      // v
    std::span<const double> old_values;  // v_old
    std::span<const double> returns;     // R
    std::span<const uint8_t> learnt;
    std::span<const double> weights;  // w
};

template <class Scalar>
struct ValueLoss {
    Scalar loss = 0;
    double clipped = 0;       // rows whose clipped term decides: without gradient
    Moments returns, errors;  // of R, and of R − v; ranks may add them
};

// clip: ε; 0: no clipping. Adds the gradient to d_values.
template <class Scalar>
ValueLoss<Scalar> value_loss(const ValueRows<Scalar>& a, std::span<Scalar> d_values, double clip = 0.2) {
    const size_t N = a.values.size();
    CHECK(a.old_values.size() == N && a.returns.size() == N && a.learnt.size() == N);
    CHECK(a.weights.size() == N && d_values.size() == N);
    ValueLoss<Scalar> sum;
    for (size_t n = 0; n < N; ++n) {
        if (!a.learnt[n]) continue;
        const Scalar error = a.values[n] - a.returns[n];
        Scalar clipped_error = error;
        if (clip > 0)
            clipped_error =
                a.old_values[n] + clamped(Scalar(a.values[n] - a.old_values[n]), -clip, clip) - a.returns[n];
        const bool clipped = std::abs(real_of(clipped_error)) > std::abs(real_of(error));
        const Scalar kept = clipped ? clipped_error : error;
        sum.loss += 0.5 * a.weights[n] * kept * kept;
        if (!clipped) d_values[n] += a.weights[n] * error;
        sum.clipped += clipped;
        sum.returns.add(a.returns[n]);
        sum.errors.add(-real_of(error));
    }
    return sum;
}

// 0 where all returns are equal.
inline double explained_variance(const Moments& returns, const Moments& errors) {
    return returns.variance() > 0 ? 1 - errors.variance() / returns.variance() : 0;
}

}  // namespace gradus
