// Sum of squares, clipping, AdamW in one pass over its tensors, and the moving average.
#include <cmath>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/philox.h"
#include "kernels/optimizer.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

constexpr int64_t chunk = 1 << 14;  // elements; a multiple of `counters`

template <class Scalar>
double squares(const Scalar* x, int64_t n) {
    Doubles low[2] = {}, high[2] = {};
    const auto add = [&](int k, Floats v) {
        low[k] += lower(v) * lower(v);
        high[k] += upper(v) * upper(v);
    };
    const int64_t pairs = n / (2 * width) * (2 * width);
    for (int64_t i = 0; i < pairs; i += 2 * width) {
        add(0, load(x + i));
        add(1, load(x + i + width));
    }
    sweep(n - pairs, [&](int64_t i, auto lanes) { add(0, load(x + pairs + i, lanes)); });
    const Doubles all = (low[0] + low[1]) + (high[0] + high[1]);
    double sum_of_lanes = 0;
    for (int i = 0; i < width / 2; ++i) sum_of_lanes += all[i];
    return sum_of_lanes;
}

inline __attribute__((always_inline)) Floats square_root(Floats x) {
    alignas(64) float lane[width];
    store(lane, x);
    for (int i = 0; i < width; ++i) lane[i] = std::sqrt(lane[i]);
    return load(lane);
}

// Stochastic rounding: adding 16 random bits to the 16 bits that a bf16 drops carries with a probability proportional to them, so
// the expected value is x. NaN and infinity are rounded to nearest.
void store_stochastic(bf16* y, const float* x, int64_t n, uint64_t key, uint64_t first) {
    constexpr int64_t words = 4 * counters;
    for (int64_t i = 0; i < n;) {
        const uint64_t index = first + uint64_t(i);
        const auto skipped = int64_t(index % 4), count = std::min(words - skipped, n - i);
        uint32_t random[words + width] = {};  // the last lanes may be beyond the words
        all_words(random, key, index / 4);
        bf16 rounded[words + width];
        sweep(count, [&](int64_t j, auto lanes) {
            const Floats exact = load(x + i + j, lanes);
            Words word;
            std::memcpy(&word, random + skipped + j, sizeof word);
            const Words bits = (Words)exact;
            const Ints finite = (bits & 0x7f800000u) != 0x7f800000u;
            store_halves(rounded + j, finite ? (bits + (word >> 16)) >> 16 : bf16_bits(exact));
        });
        std::memcpy(static_cast<void*>(y + i), rounded, size_t(count) * sizeof(bf16));
        i += count;
    }
}

}  // namespace

void square_sum(const SquareSum& a, Stream) {
    const int64_t n = a.x.size(), size = std::max(chunk, (n + square_sum_parts - 1) / square_sum_parts);
    const int64_t parts = (n + size - 1) / size;
    double* const sums = a.parts.as<double>();
    const auto sum_up = [&](auto* x) {
        parallel(parts, 4, [&](int64_t first, int64_t last) {
            for (int64_t k = first; k < last; ++k) sums[k] = squares(x + k * size, std::min(size, n - k * size));
        });
    };
    by_dtype(a.x.dtype, [&](auto kind) { sum_up(a.x.as<decltype(kind)>()); });
    double all = 0;
    for (int64_t k = 0; k < parts; ++k) all += sums[k];
    *a.total.as<double>() += all;
}

void clip_scale(const ClipScale& a, Stream) {
    const double total = *a.total.as<double>();
    *a.scale.as<double>() = a.max_norm <= 0 ? 1 : std::min(1.0, a.max_norm / (std::sqrt(total) + 1e-6));
}

void adamw(const AdamW& a, Stream) {
    require_f32(a.master);
    const float scale = float(a.scale ? *a.scale.as<double>() : 1), beta1 = float(a.beta1), beta2 = float(a.beta2);
    const float one_minus_beta1 = float(1 - a.beta1), one_minus_beta2 = float(1 - a.beta2), eps = float(a.eps);
    const StepValues& values = *a.step_values;
    const float correction1 = float(values.correction1), correction2 = float(values.correction2);
    const float lr = float(values.lr);
    const uint64_t rounding_key = values.rounding_key;
    const auto update = [&](const AdamWRange& r, int64_t first, int64_t last) {
        const float decay = r.decayed ? float(a.decay) : 0;
        for (int64_t from = first; from < last; from += chunk) {
            const int64_t n = std::min(chunk, last - from);
            float *master = a.master.as<float>() + r.master + from, *m = a.m.as<float>() + r.m + from,
                  *v = a.v.as<float>() + r.v + from;
            const float* grad = a.grad.as<float>() + r.param + from;
            bf16* param = a.param ? a.param.as<bf16>() + r.param + from : nullptr;
            const bool to_nearest = param && !rounding_key;
            sweep(n, [&](int64_t i, auto lanes) {
                const Floats g = scale * load(grad + i, lanes), w = load(master + i, lanes);
                const Floats m_new = beta1 * load(m + i, lanes) + one_minus_beta1 * g;
                const Floats v_new = beta2 * load(v + i, lanes) + one_minus_beta2 * g * g;
                const Floats direction = m_new / correction1 / (square_root(v_new / correction2) + eps);
                const Floats w_new = w - lr * (direction + decay * w);
                store(m + i, m_new, lanes);
                store(v + i, v_new, lanes);
                store(master + i, w_new, lanes);
                if (to_nearest) store(param + i, w_new, lanes);
            });
            if (param && rounding_key)
                store_stochastic(param, master, n, rounding_key, uint64_t(a.first + r.param + from));
        }
    };
    each_range(a, [&](const AdamWRange& r) {
        parallel(r.count, chunk, [&](int64_t first, int64_t last) { update(r, first, last); });
    });
}

void average(const Average& a, Stream) {
    require_f32(a.average);
    const float rate = float(a.rate);
    parallel(a.x.size(), chunk, [&](int64_t first, int64_t last) {
        float* average = a.average.as<float>() + first;
        const float* x = a.x.as<float>() + first;
        sweep(last - first, [&](int64_t i, auto lanes) {
            const Floats before = load(average + i, lanes);
            store(average + i, before + rate * (load(x + i, lanes) - before), lanes);
        });
    });
}

}  // namespace gradus::cpu
