#pragma once
// What a policy loss says of its ratios r = π/π_old, as sums that micro-batches and ranks may add. With Δ = log r:
//
//   clip fraction   share of the ratios whose clipped term decides, so that their gradient is 0
//   k1              mean of −Δ                      three estimates of KL(π_old ‖ π) from samples of π_old
//   k2              mean of Δ²/2
//   k3              mean of e^Δ − 1 − Δ
//
// k1 is unbiased and noisy; k2 is biased and never negative; k3 is both unbiased and never negative. Before the first update
// of a batch, all are exactly 0 and every ratio is exactly 1. Source: Schulman 2020, "Approximating KL divergence".
#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus {

// Δ beyond this is cut off before exp, and has no gradient.
inline constexpr double largest_log_ratio = 20;

struct RatioSums {
    double count = 0, clipped_low = 0, clipped_high = 0, clipped_dual = 0;
    double log_ratios = 0, half_squares = 0, k3s = 0, ratios = 0;
    // Infinities of an empty sum.
    double least = std::numeric_limits<double>::infinity(), largest = -std::numeric_limits<double>::infinity();

    void add(double log_ratio) {
        const double ratio = std::exp(log_ratio);
        count += 1;
        log_ratios += log_ratio;
        half_squares += 0.5 * log_ratio * log_ratio;
        k3s += std::expm1(log_ratio) - log_ratio;
        ratios += ratio;
        least = std::min(least, ratio);
        largest = std::max(largest, ratio);
    }

    void operator+=(const RatioSums& o) {
        count += o.count;
        clipped_low += o.clipped_low;
        clipped_high += o.clipped_high;
        clipped_dual += o.clipped_dual;
        log_ratios += o.log_ratios;
        half_squares += o.half_squares;
        k3s += o.k3s;
        ratios += o.ratios;
        least = std::min(least, o.least);
        largest = std::max(largest, o.largest);
    }

    double clip_fraction() const { return mean(clipped_low + clipped_high + clipped_dual); }
    double k1() const { return -mean(log_ratios); }
    double k2() const { return mean(half_squares); }
    double k3() const { return mean(k3s); }
    double mean_ratio() const { return mean(ratios); }

private:
    double mean(double sum) const { return count > 0 ? sum / count : 0; }
};

}  // namespace gradus
