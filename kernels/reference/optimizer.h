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
    const auto update = [&](Scalar& w, Scalar& m_of_w, Scalar& v_of_w, Scalar grad, Scalar decay) {
        const Scalar g = scale * grad;
        m_of_w = beta1 * m_of_w + Scalar(1 - a.beta1) * g;
        v_of_w = beta2 * v_of_w + Scalar(1 - a.beta2) * g * g;
        const Scalar direction =
            m_of_w / Scalar(correction1) / (std::sqrt(v_of_w / Scalar(correction2)) + Scalar(a.eps));
        w -= Scalar(lr) * (direction + decay * w);
    };
    const auto round = [&](Scalar w, uint64_t index) {
        if (rounding_key == 0) return rounded(double(w));
        return stochastically_rounded(float(w), Philox{rounding_key}.words(index / 4)[index % 4]);
    };
    each_range(a, [&](const AdamWRange& r) {
        const Scalar decay = r.decayed ? Scalar(a.decay) : Scalar(0);
        for (int64_t i = 0; i < r.count; ++i) {
            Scalar& w = master[r.master + i];
            update(w, m[r.m + i], v[r.v + i], a.grad.as<Scalar>()[r.param + i], decay);
            if (a.param) a.param.as<bf16>()[r.param + i] = round(w, uint64_t(a.first + r.param + i));
        }
    });
}

template <class Scalar>
void average(const Average& a) {
    Scalar* average = a.average.as<Scalar>();
    for (int64_t i = 0; i < a.x.size(); ++i) average[i] += Scalar(a.rate) * (a.x.as<Scalar>()[i] - average[i]);
}

}  // namespace gradus::reference
