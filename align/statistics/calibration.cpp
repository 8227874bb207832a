#include "align/statistics/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "align/losses/logistic.h"
#include "engine/base/error.h"

namespace gradus {

std::vector<CalibrationBin> calibration(std::span<const double> margins, int bins, std::span<const double> labels) {
    CHECK(bins > 0 && (labels.empty() || labels.size() == margins.size()));
    struct Pair {
        double margin, label;
    };
    std::vector<Pair> sorted;
    for (size_t i = 0; i < margins.size(); ++i) sorted.push_back({margins[i], labels.empty() ? 1 : labels[i]});
    // Sign and label decide the order of equal sizes, so that the bins do not depend on the order of the pairs.
    std::sort(sorted.begin(), sorted.end(), [](const Pair& a, const Pair& b) {
        return std::tuple(std::abs(a.margin), a.margin, a.label) < std::tuple(std::abs(b.margin), b.margin, b.label);
    });
    const size_t N = sorted.size(), count = std::min(size_t(bins), N);
    std::vector<CalibrationBin> out(count);
    for (size_t b = 0; b < count; ++b) {
        const size_t first = b * N / count, last = (b + 1) * N / count;
        CalibrationBin& bin = out[b];
        bin.pairs = double(last - first);
        for (size_t i = first; i < last; ++i) {
            const auto [margin, label] = sorted[i];
            bin.margin += std::abs(margin) / bin.pairs;
            bin.expected += sigmoid(std::abs(margin)) / bin.pairs;
            bin.share += (margin > 0 ? label : margin < 0 ? 1 - label : 0.5) / bin.pairs;
        }
    }
    return out;
}

double calibration_error(std::span<const CalibrationBin> bins) {
    double all = 0, sum = 0;
    for (const CalibrationBin& bin : bins) {
        all += bin.pairs;
        sum += bin.pairs * std::abs(bin.share - bin.expected);
    }
    return all > 0 ? sum / all : 0;
}

}  // namespace gradus
