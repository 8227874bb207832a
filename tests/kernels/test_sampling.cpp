// Sampling of the reference: kernels/sampling.h.
#include <catch2/catch.hpp>

#include "tests/kernels/table/sampling.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("the reference draws the same ids as a plain implementation of the filters, with the same log-probability") {
    for (int64_t V : {1, 2, 50, 700})
        for (const Sampling& s : samplings)
            for (DType dtype : {DType::f64, DType::f32}) {
                std::vector<SampledRow> rows;
                for (uint64_t seed = 0; seed < 5; ++seed) rows.push_back(separated_row(seed, dtype, V, s));
                const Sampled got = sampled(reference_ops(), dtype, rows, s, 1 + V % 3);
                for (size_t n = 0; n < rows.size(); ++n) {
                    INFO("V " << V << ", row " << n << ", " << text_of(s));
                    const Draw want = plain_draw(rows[n], s);
                    REQUIRE(at(got.ids, int64_t(n)) == want.id);
                    REQUIRE(std::abs(at(got.log_probs, int64_t(n)) - want.log_prob) <=
                            (dtype == DType::f64 ? 1e-12 : 1e-6) * std::max(1.0, -want.log_prob));
                }
            }
}

TEST_CASE("the filters keep the same ids as a plain implementation, and draws follow their probabilities") {
    const int draws = 20000;
    for (const Sampling& s : samplings) {
        if (s.temperature == 0) continue;
        SampledRow row = separated_row(3, DType::f64, 12, s);
        std::vector<SampledRow> rows(draws, row);
        for (int i = 0; i < draws; ++i) (i % 2 ? rows[size_t(i)].position : rows[0].position) = i;
        for (int i = 0; i < draws; i += 2) rows[size_t(i)].stream = uint64_t(i) << 32;
        const Owned ids = sampled(reference_ops(), DType::f64, rows, s).ids;
        std::vector<double> count(row.logits.size(), 0);
        for (int64_t n = 0; n < draws; ++n) ++count[size_t(at(ids, n))];

        const std::vector<double> p = filtered(row, s).probabilities();
        double chi_square = 0;
        for (size_t i = 0; i < p.size(); ++i) {
            INFO(text_of(s) << ", id " << i);
            if (p[i] == 0) REQUIRE(count[i] == 0);
            else chi_square += std::pow(count[i] - draws * p[i], 2) / (draws * p[i]);
        }
        INFO(text_of(s));
        REQUIRE(chi_square <= 60);  // 11 degrees of freedom: exceeded with probability 1e-8
    }
}
