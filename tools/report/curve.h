#pragma once
// A number over the steps of a run, and what is said of it in a word: where it begins and where it has settled.
#include <cstddef>
#include <functional>
#include <vector>

namespace gradus {

struct Point {
    double x = 0, y = 0;
};
using Curve = std::vector<Point>;  // x ascending

// Means of the first and of the last twentieth of the points (at least one), since that of one step is noisy. 0 without points.
double mean_at_start(const Curve&);
double mean_at_end(const Curve&);

double median_of(const Curve&);
double least_of(const Curve&);
double sum_of(const Curve&);  // of what is above 0

// f(a, b) at the steps that both have, where it is finite.
Curve combined(const Curve& a, const Curve& b, const std::function<double(double, double)>& f);

// At most `most` of the indices 0 … count−1, evenly spaced, with the first and the last.
std::vector<size_t> spread_indices(size_t count, size_t most);

}  // namespace gradus
