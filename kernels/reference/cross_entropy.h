#pragma once
// The formulas of kernels/cross_entropy.h.
#include <algorithm>
#include <vector>

#include "kernels/cross_entropy.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

template <class Scalar>
void cross_entropy_stats(const CrossEntropyStats& a) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    const decltype(real_of(Scalar())) temperature(a.temperature);
    for (int64_t n = 0; n < N; ++n) {
        const Scalar* z = a.logits.as<Scalar>() + n * a.logits.stride();
        const int64_t target = a.targets.as<int32_t>()[n] - a.vocab_offset;
        auto x = [&](int64_t v) { return z[v] / temperature; };

        auto max = real_of(x(0));
        for (int64_t v = 0; v < Vr; ++v) max = std::max(max, real_of(x(v)));
        Scalar sum_exp = 0, logit_sum = 0;
        for (int64_t v = 0; v < Vr; ++v) {
            sum_exp += std::exp(x(v) - Scalar(max));
            logit_sum += x(v);
        }
        Scalar* stats = a.stats.as<Scalar>() + n * 4;
        stats[0] = Scalar(max);
        stats[1] = sum_exp;
        stats[2] = target >= 0 && target < Vr ? x(target) : Scalar(0);
        stats[3] = logit_sum;
    }
}

template <class Scalar>
void cross_entropy_join(const CrossEntropyJoin& a) {
    const int64_t N = a.stats.rows(), R = a.parts.rows() / std::max<int64_t>(N, 1);
    for (int64_t n = 0; n < N; ++n) {
        const auto part = [&](int64_t r) { return a.parts.as<Scalar>() + (r * N + n) * 4; };
        auto max = real_of(part(0)[0]);
        for (int64_t r = 1; r < R; ++r) max = std::max(max, real_of(part(r)[0]));
        Scalar sum_exp = 0, target_logit = 0, logit_sum = 0;
        for (int64_t r = 0; r < R; ++r) {
            sum_exp += part(r)[1] * std::exp(part(r)[0] - Scalar(max));
            target_logit += part(r)[2];
            logit_sum += part(r)[3];
        }
        Scalar* stats = a.stats.as<Scalar>() + n * 4;
        stats[0] = Scalar(max);
        stats[1] = sum_exp;
        stats[2] = target_logit;
        stats[3] = logit_sum;
    }
}

template <class Scalar>
void cross_entropy_forward(const CrossEntropyForward& a) {
    const int64_t N = a.loss.size();
    Scalar *losses = a.loss.as<Scalar>(), *log_prob = a.log_prob.as<Scalar>();
    for (int64_t n = 0; n < N; ++n) {
        const Scalar* stats = a.stats.as<Scalar>() + n * 4;
        const Scalar max = stats[0], sum_exp = stats[1], target_logit = stats[2], logit_sum = stats[3];
        const Scalar lse = max + std::log(sum_exp);
        const int32_t target = a.targets.as<int32_t>()[n];
        a.lse.as<Scalar>()[n] = lse;
        losses[n] = Scalar(0);
        if (log_prob) log_prob[n] = Scalar(0);
        if (target < 0) continue;
        index("target", target, a.V);
        const Scalar smooth = a.smoothing > 0 ? Scalar(a.smoothing / double(a.V)) * logit_sum : Scalar(0);
        losses[n] = lse - Scalar(1 - a.smoothing) * target_logit - smooth + Scalar(a.z_loss) * lse * lse;
        if (log_prob) log_prob[n] = target_logit - lse;
    }
}

template <class Scalar>
void cross_entropy_backward(const CrossEntropyBackward& a) {
    const int64_t N = a.logits.rows(), Vr = a.logits.last();
    const decltype(real_of(Scalar())) temperature(a.temperature);
    const Scalar* coefficient = a.coefficient.as<Scalar>();
    for (int64_t n = 0; n < N; ++n) {
        Scalar* z = a.logits.as<Scalar>() + n * a.logits.stride();
        const Scalar lse = a.lse.as<Scalar>()[n];
        const int32_t target = a.targets.as<int32_t>()[n];
        if (target >= 0) index("target", target, a.V);
        if (target < 0 || (coefficient && coefficient[n] == Scalar(0))) {
            std::fill(z, z + Vr, Scalar(0));
            continue;
        }
        const Scalar scale = Scalar(scale_of(a) / a.temperature) * (coefficient ? coefficient[n] : Scalar(1));
        for (int64_t v = 0; v < Vr; ++v) {
            const Scalar p = std::exp(z[v] / temperature - lse) * (Scalar(1) + Scalar(2 * a.z_loss) * lse);
            const Scalar hit = a.vocab_offset + v == target ? Scalar(1 - a.smoothing) : Scalar(0);
            z[v] = scale * (p - hit - Scalar(a.smoothing / double(a.V)));
        }
    }
}

template <class Scalar>
void cross_entropy(const CrossEntropy& a) {
    const int64_t N = a.logits.rows(), V = a.logits.last();
    std::vector<Scalar> memory(size_t(N) * 4);
    const Tensor stats = {memory.data(), accumulator_of(a.logits.dtype), {N, 4}};
    cross_entropy_stats<Scalar>(
        {.stats = stats, .logits = a.logits, .targets = a.targets, .temperature = a.temperature});
    cross_entropy_forward<Scalar>({.loss = a.loss,
                                   .lse = a.lse,
                                   .log_prob = a.log_prob,
                                   .stats = stats,
                                   .targets = a.targets,
                                   .V = V,
                                   .smoothing = a.smoothing,
                                   .z_loss = a.z_loss});
    cross_entropy_backward<Scalar>(backward_of(a));
}

}  // namespace gradus::reference
