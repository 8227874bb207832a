#include "align/statistics/best_of_table.h"

#include "engine/base/error.h"

namespace gradus {

BestOfTable::BestOfTable(int64_t answers) {
    CHECK(answers >= 1);
    for (int64_t k = 1; k < answers; k *= 2) ks_.push_back(k);
    ks_.push_back(answers);
    of_k_.resize(ks_.size());
}

void BestOfTable::add(std::span<const double> scores) {
    CHECK(int64_t(scores.size()) <= ks_.back());
    const std::vector<double> curve = best_of_curve(scores);
    for (size_t i = 0; i < ks_.size() && ks_[i] <= int64_t(curve.size()); ++i) of_k_[i].add(curve[size_t(ks_[i] - 1)]);
}

std::vector<BestOfRow> BestOfTable::rows() const {
    std::vector<BestOfRow> rows;
    for (size_t i = 0; i < ks_.size() && of_k_[i].count > 0; ++i)
        rows.push_back({.k = ks_[i],
                        .score = of_k_[i].mean,
                        .standard_error = of_k_[i].standard_error(),
                        .kl = best_of_kl(ks_[i]),
                        .prompts = int64_t(of_k_[i].count)});
    return rows;
}

}  // namespace gradus
