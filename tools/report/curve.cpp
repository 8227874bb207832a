#include "tools/report/curve.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace gradus {

namespace {

double mean_between(const Curve& c, size_t first, size_t last) {
    double sum = 0;
    for (size_t i = first; i < last; ++i) sum += c[i].y;
    return last > first ? sum / double(last - first) : 0;
}

size_t twentieth(const Curve& c) { return std::min(c.size(), std::max<size_t>(1, c.size() / 20)); }

}  // namespace

double mean_at_start(const Curve& c) { return mean_between(c, 0, twentieth(c)); }

double mean_at_end(const Curve& c) { return mean_between(c, c.size() - twentieth(c), c.size()); }

double median_of(const Curve& c) {
    std::vector<double> y;
    for (const Point& p : c) y.push_back(p.y);
    if (y.empty()) return 0;
    std::nth_element(y.begin(), y.begin() + int64_t(y.size() / 2), y.end());
    return y[y.size() / 2];
}

double least_of(const Curve& c) {
    double least = c.empty() ? 0 : c.front().y;
    for (const Point& p : c) least = std::min(least, p.y);
    return least;
}

double sum_of(const Curve& c) {
    double sum = 0;
    for (const Point& p : c) sum += std::max(p.y, 0.0);
    return sum;
}

Curve combined(const Curve& a, const Curve& b, const std::function<double(double, double)>& f) {
    Curve out;
    for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        if (a[i].x < b[j].x) ++i;
        else if (b[j].x < a[i].x) ++j;
        else {
            const double y = f(a[i].y, b[j].y);
            if (std::isfinite(y)) out.push_back({a[i].x, y});
            ++i, ++j;
        }
    }
    return out;
}

std::vector<size_t> spread_indices(size_t count, size_t most) {
    std::vector<size_t> out;
    const size_t n = std::min(count, most);
    for (size_t i = 0; i < n; ++i) out.push_back(n == 1 ? count - 1 : i * (count - 1) / (n - 1));
    return out;
}

}  // namespace gradus
