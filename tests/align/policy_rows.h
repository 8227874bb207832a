#pragma once
// Sampled tokens of sequences of awkward lengths. Rows that are not learnt hold NaN: nothing may read them.
#include "align/losses/policy.h"
#include "tests/align/derivative.h"

namespace gradus::test {

struct SampledRows {
    std::vector<int64_t> lengths = {1, 6, 0, 3, 2, 9};  // the fifth has no learnt row
    std::vector<double> log_probs, old_log_probs, advantages, weights, reference;
    std::vector<uint8_t> learnt;

    // Log-ratios of this standard deviation; clip bounds are closer to 1 than that.
    explicit SampledRows(uint64_t seed, double spread = 0.4) {
        Draws draw(seed);
        for (size_t b = 0; b < lengths.size(); ++b)
            for (int64_t t = 0; t < lengths[b]; ++t) {
                const bool is_learnt = b != 4 && (lengths[b] < 3 || t > 0) && (b != 5 || t != 4);
                learnt.push_back(is_learnt);
                auto put = [&](std::vector<double>& column, double x) { column.push_back(is_learnt ? x : unread); };
                const double old = -draw.uniform(0.1, 4);
                put(old_log_probs, old);
                put(log_probs, old + draw.normal(spread));
                put(reference, old + draw.normal(spread));
                put(advantages, draw.normal());
                put(weights, draw.uniform(0.01, 0.2));
            }
    }

    size_t size() const { return log_probs.size(); }

    template <class Scalar>
    PolicyRows<Scalar> rows(const std::vector<Scalar>& x) const {
        return {x, old_log_probs, advantages, learnt, weights};
    }
};

// One row, learnt, of weight 1.
struct OneRow {
    double log_prob, old, advantage, weight = 1;
    uint8_t learnt = 1;

    PolicyRows<double> rows() const { return {{&log_prob, 1}, {&old, 1}, {&advantage, 1}, {&learnt, 1}, {&weight, 1}}; }
};

}  // namespace gradus::test
