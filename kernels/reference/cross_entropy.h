#pragma once
// The formulas of kernels/cross_entropy.h.
#include <algorithm>

#include "kernels/reference/scalar.h"

namespace gradus::reference {

template <class Scalar>
void cross_entropy_stats(const CrossEntropyStats& a) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    for (int64_t n = 0; n < N; ++n) {
        const Scalar* z = a.logits.as<Scalar>() + n * Vr;
        const int64_t target = a.targets.as<int32_t>()[n] - a.vocab_offset;

        auto top = real_of(z[0]);
        for (int64_t v = 0; v < Vr; ++v) top = std::max(top, real_of(z[v]));
        Scalar total = 0, mass = 0;
        for (int64_t v = 0; v < Vr; ++v) {
            total += std::exp(z[v] - Scalar(top));
            mass += z[v];
        }
        Scalar* stats = a.stats.as<Scalar>() + n * 4;
        stats[0] = Scalar(top);
        stats[1] = total;
        stats[2] = target >= 0 && target < Vr ? z[target] : Scalar(0);
        stats[3] = mass;
    }
}

template <class Scalar>
void cross_entropy_join(const CrossEntropyJoin& a) {
    const int64_t N = a.stats.rows(), R = a.parts.rows() / std::max<int64_t>(N, 1);
    for (int64_t n = 0; n < N; ++n) {
        const auto part = [&](int64_t r) { return a.parts.as<Scalar>() + (r * N + n) * 4; };
        auto top = real_of(part(0)[0]);
        for (int64_t r = 1; r < R; ++r) top = std::max(top, real_of(part(r)[0]));
        Scalar total = 0, hit = 0, mass = 0;
        for (int64_t r = 0; r < R; ++r) {
            total += part(r)[1] * std::exp(part(r)[0] - Scalar(top));
            hit += part(r)[2];
            mass += part(r)[3];
        }
        Scalar* stats = a.stats.as<Scalar>() + n * 4;
        stats[0] = Scalar(top);
        stats[1] = total;
        stats[2] = hit;
        stats[3] = mass;
    }
}

template <class Scalar>
void cross_entropy_forward(const CrossEntropyForward& a) {
    const int64_t N = a.loss.size();
    for (int64_t n = 0; n < N; ++n) {
        const Scalar* stats = a.stats.as<Scalar>() + n * 4;
        const Scalar top = stats[0], total = stats[1], hit = stats[2], mass = stats[3];
        const Scalar lse = top + std::log(total);
        const int32_t target = a.targets.as<int32_t>()[n];
        a.lse.as<Scalar>()[n] = lse;
        a.loss.as<Scalar>()[n] = Scalar(0);
        if (target < 0) continue;
        index("target", target, a.V);
        a.loss.as<Scalar>()[n] = lse - Scalar(1 - a.smoothing) * hit - Scalar(a.smoothing / double(a.V)) * mass +
                                 Scalar(a.z_loss) * lse * lse;
    }
}

template <class Scalar>
void cross_entropy_backward(const CrossEntropyBackward& a) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    for (int64_t n = 0; n < N; ++n) {
        Scalar* z = a.logits.as<Scalar>() + n * Vr;
        const Scalar lse = a.lse.as<Scalar>()[n];
        const int32_t target = a.targets.as<int32_t>()[n];
        if (target < 0) {
            std::fill(z, z + Vr, Scalar(0));
            continue;
        }
        index("target", target, a.V);
        for (int64_t v = 0; v < Vr; ++v) {
            const Scalar p = std::exp(z[v] - lse) * (Scalar(1) + Scalar(2 * a.z_loss) * lse);
            const Scalar hit = a.vocab_offset + v == target ? Scalar(1 - a.smoothing) : Scalar(0);
            z[v] = Scalar(a.scale) * (p - hit - Scalar(a.smoothing / double(a.V)));
        }
    }
}

}  // namespace gradus::reference
