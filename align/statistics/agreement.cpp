#include "align/statistics/agreement.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "engine/base/error.h"

namespace gradus {

namespace {

// (observed − expected)/(1 − expected), where chance leaves room for disagreement.
std::optional<double> beyond_chance(double observed, double expected) {
    if (expected > 1 - 1e-12) return std::nullopt;
    return (observed - expected) / (1 - expected);
}

using ValueCounts = std::map<double, double>;

// δ² of two values a ≤ b.
double squared_distance(Distance kind, const ValueCounts& counts, double a, double b) {
    if (a == b) return 0;
    if (kind == Distance::nominal) return 1;
    if (kind == Distance::interval) return (a - b) * (a - b);
    double between = -(counts.at(a) + counts.at(b)) / 2;
    for (auto it = counts.find(a); it != counts.end() && it->first <= b; ++it) between += it->second;
    return between * between;
}

}  // namespace

std::vector<int> judgements_of(std::span<const int> ranks) {
    std::vector<int> judgements;
    for (size_t i = 0; i < ranks.size(); ++i)
        for (size_t j = i + 1; j < ranks.size(); ++j)
            judgements.push_back(ranks[i] < ranks[j] ? -1 : ranks[i] > ranks[j] ? 1 : 0);
    return judgements;
}

std::optional<double> cohen_kappa(std::span<const int> a, std::span<const int> b) {
    CHECK(a.size() == b.size());
    if (a.empty()) return std::nullopt;
    const double n = double(a.size());
    std::map<int, double> of_a, of_b;
    double observed = 0, expected = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        observed += (a[i] == b[i]) / n;
        of_a[a[i]] += 1 / n;
        of_b[b[i]] += 1 / n;
    }
    for (auto [value, share] : of_a)
        if (of_b.contains(value)) expected += share * of_b[value];
    return beyond_chance(observed, expected);
}

std::optional<double> fleiss_kappa(std::span<const std::vector<int>> items) {
    if (items.empty()) return std::nullopt;
    const double N = double(items.size()), n = double(items[0].size());
    std::map<int, double> of_all;
    double observed = 0, expected = 0;
    for (const std::vector<int>& values : items) {
        CHECK(values.size() >= 2 && double(values.size()) == n, "each item needs as many ratings, two or more");
        std::map<int, double> counts;
        for (int value : values) counts[value] += 1;
        for (auto [value, count] : counts) {
            observed += count * (count - 1) / (n * (n - 1)) / N;
            of_all[value] += count / (n * N);
        }
    }
    for (auto [value, share] : of_all) expected += share * share;
    return beyond_chance(observed, expected);
}

std::optional<double> krippendorff_alpha(std::span<const std::vector<double>> items, Distance kind) {
    ValueCounts counts;
    double n = 0;
    for (const auto& values : items)
        if (values.size() >= 2)
            for (double value : values) {
                counts[value] += 1;
                n += 1;
            }
    if (counts.size() < 2) return std::nullopt;
    double observed = 0, expected = 0;
    for (const auto& values : items) {
        if (values.size() < 2) continue;
        for (size_t i = 0; i < values.size(); ++i)
            for (size_t j = 0; j < i; ++j)
                observed +=
                    2 / double(values.size() - 1) *
                    squared_distance(kind, counts, std::min(values[i], values[j]), std::max(values[i], values[j]));
    }
    for (auto a = counts.begin(); a != counts.end(); ++a)
        for (auto b = std::next(a); b != counts.end(); ++b)
            expected += 2 * a->second * b->second * squared_distance(kind, counts, a->first, b->first);
    return 1 - (n - 1) * observed / expected;
}

}  // namespace gradus
