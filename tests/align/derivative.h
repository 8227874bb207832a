#pragma once
// Gradients against the complex step and against central differences, and random numbers for awkward inputs.
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "engine/base/philox.h"
#include "kernels/scalar.h"

namespace gradus::test {

// What rows hold that nothing may read.
inline constexpr double unread = std::numeric_limits<double>::quiet_NaN();

// NaN is not near anything.
inline bool is_near(double found, double expected, double bound = 1e-9) {
    return std::abs(found - expected) <= bound * std::max(std::abs(expected), 1e-4);
}

inline void require_near(std::span<const double> found, std::span<const double> expected, double bound = 1e-9) {
    REQUIRE(found.size() == expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
        INFO("element " << i << ": found " << found[i] << ", expected " << expected[i]);
        REQUIRE(is_near(found[i], expected[i], bound));
    }
}

// value: a function of std::vector<Scalar>, for double and c128; gradient: what is claimed of it at x.
template <class Value>
void require_complex_step(Value&& value, const std::vector<double>& x, std::span<const double> gradient) {
    REQUIRE(gradient.size() == x.size());
    for (size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i])) {
            REQUIRE(gradient[i] == 0);  // a row that is not read
            continue;
        }
        std::vector<c128> z(x.begin(), x.end());
        z[i] += c128(0, 1e-30);
        const double expected = value(z).imag() / 1e-30;
        INFO("element " << i << ": found " << gradient[i] << ", complex step " << expected);
        REQUIRE(is_near(gradient[i], expected));
    }
}

template <class Value>
void require_gradient(Value&& value, const std::vector<double>& x, std::span<const double> gradient) {
    require_complex_step(value, x, gradient);
    for (size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i])) continue;
        const double h = 1e-5;
        std::vector<double> up = x, down = x;
        up[i] += h;
        down[i] -= h;
        const double expected = (value(up) - value(down)) / (2 * h);
        INFO("element " << i << ": found " << gradient[i] << ", central difference " << expected);
        REQUIRE(std::abs(gradient[i] - expected) <= 1e-6 * std::max(1.0, std::abs(expected)));
    }
}

// A stream of draws.
struct Draws {
    explicit Draws(uint64_t seed) : random{key_of(seed)} {}

    double uniform(double low = 0, double high = 1) { return low + (high - low) * random.uniform(next++); }
    double normal(double sd = 1) { return sd * random.normal(next++); }
    int index(int n) { return int(random.uniform(next++) * n); }
    std::vector<double> normals(size_t n, double sd = 1) {
        std::vector<double> x(n);
        for (double& v : x) v = normal(sd);
        return x;
    }

    Philox random;
    uint64_t next = 0;
};

}  // namespace gradus::test
