#pragma once
// Count, sum and sum of squares: what ranks and micro-batches add to have the mean and the variance of all.
//
//   mean = Σx / n        variance = Σx²/n − mean²        (biased)
//
// A variance below 1e-13 of the mean square is rounding, and 0.
#include <algorithm>
#include <cstdint>
#include <span>

#include "engine/base/error.h"

namespace gradus {

struct Moments {
    double count = 0, sum = 0, squares = 0;

    void add(double x) {
        count += 1;
        sum += x;
        squares += x * x;
    }
    // x[n] where learnt[n].
    void add(std::span<const double> x, std::span<const uint8_t> learnt) {
        CHECK(learnt.size() == x.size());
        for (size_t n = 0; n < x.size(); ++n)
            if (learnt[n]) add(x[n]);
    }
    void operator+=(const Moments& o) {
        count += o.count;
        sum += o.sum;
        squares += o.squares;
    }

    double mean() const { return count > 0 ? sum / count : 0; }
    double variance() const {
        if (count == 0) return 0;
        const double variance = squares / count - mean() * mean();
        return variance > 1e-13 * squares / count ? variance : 0;
    }
};

}  // namespace gradus
