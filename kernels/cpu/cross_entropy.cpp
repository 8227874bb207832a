// Cross-entropy: one pass over the logits for the statistics, one for the gradient. As one op, the second reads a row from the cache.
#include <cmath>
#include <limits>
#include <string>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vector_math.h"
#include "kernels/cross_entropy.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

constexpr int64_t block = 2048;  // logits that stay in the L1 cache between the maximum and the sum

int64_t row_grain(int64_t V) { return std::max<int64_t>(1, (1 << 12) / V); }

// Division by the temperature, free if it is 1.
struct Unscaled {
    template <class Value>
    Value operator()(Value x) const {
        return x;
    }
};
struct Scaled {
    float inverse_temperature;
    template <class Value>
    Value operator()(Value x) const {
        return x * inverse_temperature;
    }
};
template <class Run>
void by_temperature(double temperature, Run&& run) {
    if (temperature == 1) run(Unscaled{});
    else run(Scaled{float(1 / temperature)});
}

// Online: sum_exp is relative to the largest logit so far and is rescaled when a block has a larger one. The division by the
// temperature applies to differences of logits, because the difference of two close logits is exact.
template <class Scalar, class Tempered>
void statistics(float* stats, const Scalar* z, int64_t V, int64_t target, Tempered tempered) {
    float max = -std::numeric_limits<float>::infinity(), sum_exp = 0, logit_sum = 0;
    for (int64_t first = 0; first < V; first += block) {
        const Scalar* part = z + first;
        const int64_t n = std::min(block, V - first);
        Floats highest = splat(max);
        sweep(n, [&](int64_t i, auto lanes) { highest = larger(highest, load(part + i, lanes, max)); });
        const float higher = largest(highest);
        // If every logit so far is −∞, the maximum is −∞, and −∞ − (−∞) is NaN.
        const float reference = higher == -std::numeric_limits<float>::infinity() ? 0 : higher;
        sum_exp *= max == higher ? 1 : std::exp(tempered(max - reference));
        max = higher;
        sum_exp += total(n, [&](int64_t i, auto lanes) {
            return exponential(tempered(load(part + i, lanes, -std::numeric_limits<float>::infinity()) - reference));
        });
        logit_sum += total(n, [&](int64_t i, auto lanes) { return load(part + i, lanes); });
    }
    stats[0] = tempered(max);
    stats[1] = sum_exp;
    stats[2] = target >= 0 && target < V ? tempered(float(z[target])) : 0;
    stats[3] = tempered(logit_sum);
}

void check_targets(const Tensor& targets, int64_t V) {
    for (int64_t n = 0; n < targets.size(); ++n)
        CHECK(targets.as<int32_t>()[n] < V,
              "target " + std::to_string(targets.as<int32_t>()[n]) + " is not in [0, " + std::to_string(V) + ")");
}

// Of row n. Args: CrossEntropyForward or CrossEntropy.
template <class Args>
void losses(const Args& a, int64_t n, const float* stats, int64_t V) {
    const double lse = double(stats[0]) + std::log(double(stats[1])), target_logit = stats[2], logit_sum = stats[3];
    const double smooth = a.smoothing > 0 ? a.smoothing * logit_sum / double(V) : 0;
    const double loss = lse - (1 - a.smoothing) * target_logit - smooth + a.z_loss * lse * lse;
    const bool ignored = a.targets.template as<int32_t>()[n] < 0;
    a.lse.template as<float>()[n] = float(lse);
    a.loss.template as<float>()[n] = ignored ? 0 : float(loss);
    if (a.log_prob) a.log_prob.template as<float>()[n] = ignored ? 0 : float(target_logit - lse);
}

template <class Scalar>
void gradient(const CrossEntropyBackward& a, int64_t n) {
    const int64_t V = a.logits.last(), target = a.targets.as<int32_t>()[n];
    Scalar* z = a.logits.as<Scalar>() + n * a.logits.stride();
    const float coefficient = a.coefficient ? a.coefficient.as<float>()[n] : 1;
    if (target < 0 || coefficient == 0) return sweep(V, [&](int64_t i, auto lanes) { store(z + i, Floats{}, lanes); });

    const float lse = a.lse.as<float>()[n], factor = float(1 + 2 * a.z_loss * double(lse)),
                scale = float(scale_of(a) / a.temperature) * coefficient,
                inverse_temperature = float(1 / a.temperature);
    const float uniform = float(a.smoothing / double(a.V));
    const auto d_logit = [&](Floats x, float one_hot) {
        return scale * (exponential(x * inverse_temperature - lse) * factor - one_hot - uniform);
    };
    const int64_t local = target - a.vocab_offset;
    const bool on_this_rank = local >= 0 && local < V;
    const float at_target = on_this_rank ? d_logit(splat(float(z[local])), float(1 - a.smoothing))[0] : 0;
    sweep(V, [&](int64_t i, auto lanes) { store(z + i, d_logit(load(z + i, lanes), 0), lanes); });
    if (on_this_rank) z[local] = Scalar(at_target);
}

}  // namespace

void cross_entropy_stats(const CrossEntropyStats& a, Stream) {
    const int64_t V = a.logits.last();
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_temperature(a.temperature, [&](auto tempered) {
            parallel(a.logits.rows(), row_grain(V), [&](int64_t first, int64_t last) {
                for (int64_t n = first; n < last; ++n)
                    statistics(a.stats.as<float>() + n * 4, a.logits.as<Scalar>() + n * a.logits.stride(), V,
                               a.targets.as<int32_t>()[n] - a.vocab_offset, tempered);
            });
        });
    });
}

void cross_entropy_join(const CrossEntropyJoin& a, Stream) {
    require_f32(a.stats);
    const int64_t N = a.stats.rows(), R = a.parts.rows() / std::max<int64_t>(N, 1);
    for (int64_t n = 0; n < N; ++n) {
        const auto part = [&](int64_t r) { return a.parts.as<float>() + (r * N + n) * 4; };
        float max = part(0)[0];
        for (int64_t r = 1; r < R; ++r) max = std::max(max, part(r)[0]);
        const float reference = max == -std::numeric_limits<float>::infinity() ? 0 : max;
        double sum_exp = 0, target_logit = 0, logit_sum = 0;
        for (int64_t r = 0; r < R; ++r) {
            sum_exp += double(part(r)[1]) * std::exp(double(part(r)[0]) - double(reference));
            target_logit += double(part(r)[2]);
            logit_sum += double(part(r)[3]);
        }
        const float joined[] = {max, float(sum_exp), float(target_logit), float(logit_sum)};
        std::copy_n(joined, 4, a.stats.as<float>() + n * 4);
    }
}

void cross_entropy_forward(const CrossEntropyForward& a, Stream) {
    require_f32(a.loss);
    check_targets(a.targets, a.V);
    parallel(a.loss.size(), 512, [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n) losses(a, n, a.stats.as<float>() + n * 4, a.V);
    });
}

void cross_entropy_backward(const CrossEntropyBackward& a, Stream) {
    check_targets(a.targets, a.V);
    by_dtype(a.logits.dtype, [&](auto kind) {
        parallel(a.logits.rows(), row_grain(a.logits.last()), [&](int64_t first, int64_t last) {
            for (int64_t n = first; n < last; ++n) gradient<decltype(kind)>(a, n);
        });
    });
}

void cross_entropy(const CrossEntropy& a, Stream) {
    const int64_t V = a.logits.last();
    const CrossEntropyBackward backward = backward_of(a);
    check_targets(a.targets, V);
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_temperature(a.temperature, [&](auto tempered) {
            parallel(a.logits.rows(), row_grain(V), [&](int64_t first, int64_t last) {
                for (int64_t n = first; n < last; ++n) {
                    float stats[4];
                    statistics(stats, a.logits.as<Scalar>() + n * a.logits.stride(), V, a.targets.as<int32_t>()[n],
                               tempered);
                    losses(a, n, stats, V);
                    gradient<Scalar>(backward, n);
                }
            });
        });
    });
}

}  // namespace gradus::cpu
