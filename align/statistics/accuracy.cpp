#include "align/statistics/accuracy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/philox.h"

namespace gradus {

namespace {

// Of sorted numbers, interpolated between neighbours.
double percentile(const std::vector<double>& sorted, double share) {
    const double at = share * double(sorted.size() - 1);
    const size_t below = size_t(at), above = std::min(below + 1, sorted.size() - 1);
    return std::lerp(sorted[below], sorted[above], at - double(below));
}

}  // namespace

Interval wilson_interval(double right, double all) {
    if (all <= 0) return {};
    CHECK(right >= 0 && right <= all);
    const double z = 1.959963984540054, p = right / all, square = z * z / all;
    const double centre = p + square / 2, half = z * std::sqrt(p * (1 - p) / all + square / (4 * all));
    return {std::max(0.0, (centre - half) / (1 + square)), std::min(1.0, (centre + half) / (1 + square))};
}

Interval bootstrap_interval(std::span<const double> values, uint64_t seed, int samples) {
    CHECK(samples > 0);
    if (values.empty()) return {0, 0};
    const Philox random{key_of(seed)};
    std::vector<double> means(static_cast<size_t>(samples));
    for (size_t s = 0; s < means.size(); ++s) {
        double sum = 0;
        for (size_t i = 0; i < values.size(); ++i) sum += values[size_t(random.uniform(i, s) * double(values.size()))];
        means[s] = sum / double(values.size());
    }
    std::sort(means.begin(), means.end());
    return {percentile(means, 0.025), percentile(means, 0.975)};
}

Accuracy pair_accuracy(std::span<const double> margins) {
    Accuracy accuracy;
    for (double margin : margins) accuracy.add(margin);
    return accuracy;
}

double PairBaselines::length() const { return longer.all > 0 ? std::max(longer.share(), 1 - longer.share()) : random; }

PairBaselines pair_baselines(std::span<const int64_t> chosen_lengths, std::span<const int64_t> rejected_lengths) {
    CHECK(chosen_lengths.size() == rejected_lengths.size());
    PairBaselines baselines;
    for (size_t i = 0; i < chosen_lengths.size(); ++i)
        baselines.longer.add(double(chosen_lengths[i] - rejected_lengths[i]));
    return baselines;
}

}  // namespace gradus
