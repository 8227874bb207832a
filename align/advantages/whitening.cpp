#include "align/advantages/whitening.h"

#include <cmath>

namespace gradus {

void whiten(std::span<double> x, std::span<const uint8_t> learnt, const Moments& of_all, bool shift_mean) {
    CHECK(learnt.size() == x.size());
    const double mean = of_all.mean(), scale = 1 / std::sqrt(of_all.variance() + 1e-8);
    for (size_t n = 0; n < x.size(); ++n)
        if (learnt[n]) x[n] = (x[n] - mean) * scale + (shift_mean ? 0 : mean);
}

}  // namespace gradus
