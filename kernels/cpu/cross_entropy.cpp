// Cross-entropy: statistics and gradient each pass over the logits once.
#include <cmath>
#include <limits>
#include <string>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vector_math.h"

namespace gradus::cpu {

namespace {

constexpr int64_t block = 2048;  // logits that stay in the first cache between the maximum and the sum

int64_t row_grain(int64_t V) { return std::max<int64_t>(1, (1 << 12) / V); }

// The sum so far is relative to the largest logit so far; a block with a larger one shrinks it.
template <class Scalar>
void statistics(float* stats, const Scalar* z, int64_t V, int64_t target) {
    float top = -std::numeric_limits<float>::infinity(), sum_of_exp = 0, mass = 0;
    for (int64_t first = 0; first < V; first += block) {
        const Scalar* part = z + first;
        const int64_t n = std::min(block, V - first);
        Floats highest = splat(top);
        sweep(n, [&](int64_t i, auto lanes) { highest = larger(highest, load(part + i, lanes, top)); });
        const float higher = largest(highest);
        // Where every logit so far is −∞, so is their maximum, and −∞ − (−∞) is not 0.
        const float reference = higher == -std::numeric_limits<float>::infinity() ? 0 : higher;
        sum_of_exp *= top == higher ? 1 : std::exp(top - reference);
        top = higher;
        sum_of_exp += total(n, [&](int64_t i, auto lanes) {
            return exponential(load(part + i, lanes, -std::numeric_limits<float>::infinity()) - reference);
        });
        mass += total(n, [&](int64_t i, auto lanes) { return load(part + i, lanes); });
    }
    stats[0] = top;
    stats[1] = sum_of_exp;
    stats[2] = target >= 0 && target < V ? float(z[target]) : 0;
    stats[3] = mass;
}

void check_targets(const Tensor& targets, int64_t V) {
    for (int64_t n = 0; n < targets.size(); ++n)
        CHECK(targets.as<int32_t>()[n] < V,
              "target " + std::to_string(targets.as<int32_t>()[n]) + " is not in [0, " + std::to_string(V) + ")");
}

template <class Scalar>
void gradient(const CrossEntropyBackward& a, int64_t n) {
    const int64_t V = a.logits.last(), target = a.targets.as<int32_t>()[n];
    Scalar* z = a.logits.as<Scalar>() + n * V;
    if (target < 0) return sweep(V, [&](int64_t i, auto lanes) { store(z + i, Floats{}, lanes); });

    const float lse = a.lse.as<float>()[n], factor = float(1 + 2 * a.z_loss * double(lse)), scale = float(a.scale);
    const float uniform = float(a.smoothing / double(a.V));
    const auto slope = [&](Floats x, float hit) { return scale * (exponential(x - lse) * factor - hit - uniform); };
    const int64_t here = target - a.vocab_offset;
    const bool mine = here >= 0 && here < V;
    const float at_target = mine ? slope(splat(float(z[here])), float(1 - a.smoothing))[0] : 0;
    sweep(V, [&](int64_t i, auto lanes) { store(z + i, slope(load(z + i, lanes), 0), lanes); });
    if (mine) z[here] = Scalar(at_target);
}

}  // namespace

void cross_entropy_stats(const CrossEntropyStats& a, Stream) {
    const int64_t V = a.logits.last();
    by_dtype(a.logits.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        parallel(a.logits.rows(), row_grain(V), [&](int64_t first, int64_t last) {
            for (int64_t n = first; n < last; ++n)
                statistics(a.stats.as<float>() + n * 4, a.logits.as<Scalar>() + n * V, V,
                           a.targets.as<int32_t>()[n] - a.vocab_offset);
        });
    });
}

void cross_entropy_join(const CrossEntropyJoin& a, Stream) {
    require_f32(a.stats);
    const int64_t N = a.stats.rows(), R = a.parts.rows() / std::max<int64_t>(N, 1);
    for (int64_t n = 0; n < N; ++n) {
        const auto part = [&](int64_t r) { return a.parts.as<float>() + (r * N + n) * 4; };
        float top = part(0)[0];
        for (int64_t r = 1; r < R; ++r) top = std::max(top, part(r)[0]);
        const float reference = top == -std::numeric_limits<float>::infinity() ? 0 : top;
        double total = 0, hit = 0, mass = 0;
        for (int64_t r = 0; r < R; ++r) {
            total += double(part(r)[1]) * std::exp(double(part(r)[0]) - double(reference));
            hit += double(part(r)[2]);
            mass += double(part(r)[3]);
        }
        const float joined[] = {top, float(total), float(hit), float(mass)};
        std::copy_n(joined, 4, a.stats.as<float>() + n * 4);
    }
}

void cross_entropy_forward(const CrossEntropyForward& a, Stream) {
    require_f32(a.loss);
    check_targets(a.targets, a.V);
    parallel(a.loss.size(), 512, [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n) {
            const float* stats = a.stats.as<float>() + n * 4;
            const double lse = double(stats[0]) + std::log(double(stats[1])), hit = stats[2], mass = stats[3];
            const double loss = lse - (1 - a.smoothing) * hit - a.smoothing * mass / double(a.V) + a.z_loss * lse * lse;
            a.lse.as<float>()[n] = float(lse);
            a.loss.as<float>()[n] = a.targets.as<int32_t>()[n] < 0 ? 0 : float(loss);
        }
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

}  // namespace gradus::cpu
