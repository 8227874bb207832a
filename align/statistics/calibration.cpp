#include "align/statistics/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "align/losses/logistic.h"
#include "engine/base/error.h"

namespace gradus {

std::vector<CalibrationBin> calibration(std::span<const double> margins, int bins) {
    CHECK(bins > 0);
    std::vector<double> sorted(margins.begin(), margins.end());
    // The sign decides the order of equal sizes, so that the bins do not depend on the order of the pairs.
    std::sort(sorted.begin(), sorted.end(),
              [](double a, double b) { return std::abs(a) != std::abs(b) ? std::abs(a) < std::abs(b) : a < b; });
    const size_t N = sorted.size(), count = std::min(size_t(bins), N);
    std::vector<CalibrationBin> out(count);
    for (size_t b = 0; b < count; ++b) {
        const size_t first = b * N / count, last = (b + 1) * N / count;
        CalibrationBin& bin = out[b];
        bin.pairs = double(last - first);
        for (size_t i = first; i < last; ++i) {
            bin.margin += std::abs(sorted[i]) / bin.pairs;
            bin.expected += sigmoid(std::abs(sorted[i])) / bin.pairs;
            bin.share += (sorted[i] > 0 ? 1 : sorted[i] < 0 ? 0 : 0.5) / bin.pairs;
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
