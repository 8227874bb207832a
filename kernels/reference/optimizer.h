#pragma once
// The formulas of kernels/optimizer.h, in f32 and f64 only: no test needs their derivatives.
#include <algorithm>

#include "engine/base/philox.h"
#include "kernels/optimizer.h"
#include "kernels/reference/elementwise.h"

namespace gradus::reference {

inline void square_sum(const SquareSum& a, Stream) {
    double total = 0;
    for (int64_t i = 0; i < a.x.size(); ++i) total += load(a.x, i) * load(a.x, i);
    *a.total.as<double>() += total;
}

inline void clip_scale(const ClipScale& a, Stream) {
    const double total = *a.total.as<double>();
    *a.scale.as<double>() = a.max_norm <= 0 ? 1 : std::min(1.0, a.max_norm / (std::sqrt(total) + 1e-6));
}

// Stochastic rounding: adding 16 random bits to the 16 bits that a bf16 drops carries with a probability proportional to them, so
// the expected value is x.
inline bf16 stochastically_rounded(float x, uint32_t word) {
    if (!std::isfinite(x)) return bf16(x);
    bf16 y;
    y.bits = uint16_t((std::bit_cast<uint32_t>(x) + (word >> 16)) >> 16);
    return y;
}

template <class Scalar>
void adamw(const AdamW& a) {
    Scalar *master = a.master.as<Scalar>(), *m = a.m.as<Scalar>(), *v = a.v.as<Scalar>();
    const Scalar scale = Scalar(a.scale ? *a.scale.as<double>() : 1);
    const Scalar beta1 = Scalar(a.beta1), beta2 = Scalar(a.beta2);
    const auto [loss_scale, lr, correction1, correction2, rounding_key] = *a.step_values;
    for (int64_t i = 0; i < a.master.size(); ++i) {
        const Scalar g = scale * a.grad.as<Scalar>()[i];
        m[i] = beta1 * m[i] + Scalar(1 - a.beta1) * g;
        v[i] = beta2 * v[i] + Scalar(1 - a.beta2) * g * g;
        const Scalar direction = m[i] / Scalar(correction1) / (std::sqrt(v[i] / Scalar(correction2)) + Scalar(a.eps));
        master[i] -= Scalar(lr) * (direction + Scalar(a.decay) * master[i]);
        if (!a.param) continue;
        const uint32_t word = rounding_key ? Philox{rounding_key}.words(uint64_t(a.first + i))[0] : 0;
        a.param.as<bf16>()[i] =
            rounding_key ? stochastically_rounded(float(master[i]), word) : rounded(double(master[i]));
    }
}

template <class Scalar>
void average(const Average& a) {
    Scalar* average = a.average.as<Scalar>();
    for (int64_t i = 0; i < a.x.size(); ++i) average[i] += Scalar(a.rate) * (a.x.as<Scalar>()[i] - average[i]);
}

}  // namespace gradus::reference
