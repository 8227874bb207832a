#include "align/statistics/best_of.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/error.h"

namespace gradus {

namespace {

// The values, those of the lowest score first; where scores are equal, each has the mean of their values.
std::vector<double> values_by_score(std::span<const double> scores, std::span<const double> values) {
    std::vector<size_t> order(scores.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
    std::vector<double> sorted(scores.size());
    for (size_t first = 0, last; first < order.size(); first = last) {
        double sum = 0;
        for (last = first; last < order.size() && scores[order[last]] == scores[order[first]]; ++last)
            sum += values[order[last]];
        std::fill(sorted.begin() + int64_t(first), sorted.begin() + int64_t(last), sum / double(last - first));
    }
    return sorted;
}

}  // namespace

std::vector<double> best_of_curve(std::span<const double> scores, std::span<const double> values) {
    CHECK(values.size() == scores.size());
    const std::vector<double> sorted = values_by_score(scores, values);
    const size_t N = sorted.size();
    std::vector<double> curve(N);
    for (size_t k = 1; k <= N; ++k) {
        // The share of subsets whose best is the i-th: k/N for the last one, and (i−k)/(i−1) of its neighbour's before it.
        double share = double(k) / double(N);
        for (size_t i = N; i >= k; --i) {
            curve[k - 1] += share * sorted[i - 1];
            if (i > 1) share *= double(i - k) / double(i - 1);
        }
    }
    return curve;
}

double pass_at(int64_t k, int64_t answers, int64_t right) {
    CHECK(k >= 1 && k <= answers && right >= 0 && right <= answers);
    double all_wrong = 1;
    for (int64_t i = answers - right + 1; i <= answers; ++i) all_wrong *= std::max(0.0, 1 - double(k) / double(i));
    return 1 - all_wrong;
}

double best_of_kl(int64_t k) {
    CHECK(k >= 1);
    return std::log(double(k)) - double(k - 1) / double(k);
}

}  // namespace gradus
