#pragma once
// Losses of a reward model's scores r, and their gradients by the scores. Ranks count from the best, and equal ranks are ties.
//
//   pairwise        of a against b, p the probability that a is the better one (1 or 0 where a person decided):
//                   −p·log σ(r_a − r_b − m) − (1−p)·log σ(r_b − r_a − m) + η(r_a + r_b)²
//                   m: margin by which the better one must lead; η: centring, which keeps the scores around 0
//   K-wise          Σ pairwise(better, worse) / C(K,2)             over the pairs of one prompt with different ranks
//   Plackett–Luce   −Σ_i [r_i − log Σ_{j = i or worse than i} e^r_j]
//   best of K       the mean of the terms of Plackett–Luce over the answers with the best rank
//
// Ties contribute nothing: the loss says nothing of the order within a tie, and each tied answer is compared with the worse
// ones only. So without ties Plackett–Luce is −log of the probability of the order, best of K the cross-entropy of the best,
// and with K = 2 all four agree (with m = η = 0). If all ranks are equal, every loss is 0. C(K,2) counts tied pairs too: they
// do not raise the weight of the others.
//
// The K answers of a prompt are one element of a batch, for their pairs are not independent: split over batches they are
// overfitted in one epoch. Sources: Bradley, Terry 1952; Plackett 1975; Ziegler et al. 2019 (best of K); Ouyang et al. 2022
// (K-wise); Touvron et al. 2023 (margin); Eisenstein et al. 2023 (centring).
#include <algorithm>
#include <span>

#include "align/losses/logistic.h"
#include "engine/base/error.h"

namespace gradus {

struct RankingConfig {
    double margin = 0, centring = 0;  // m, η
};

template <class Scalar>
struct PairwiseLoss {
    Scalar loss = 0, d_a = 0, d_b = 0;
};

template <class Scalar>
PairwiseLoss<Scalar> pairwise_loss(const Scalar& a, const Scalar& b, double probability = 1,
                                   const RankingConfig& c = {}) {
    const Scalar lead = a - b - c.margin, trail = b - a - c.margin;
    const Scalar slope = -probability * sigmoid(Scalar(-lead)) + (1 - probability) * sigmoid(Scalar(-trail));
    const Scalar centre = 2 * c.centring * (a + b);
    return {-probability * log_sigmoid(lead) - (1 - probability) * log_sigmoid(trail) + c.centring * (a + b) * (a + b),
            slope + centre, -slope + centre};
}

// d_scores [K] is written.
template <class Scalar>
Scalar kwise_loss(std::span<const Scalar> scores, std::span<const int> ranks, std::span<Scalar> d_scores,
                  const RankingConfig& c = {}) {
    const size_t K = scores.size();
    CHECK(ranks.size() == K && d_scores.size() == K);
    std::fill(d_scores.begin(), d_scores.end(), Scalar(0));
    const double pairs = double(K) * (double(K) - 1) / 2;
    Scalar loss = 0;
    for (size_t i = 0; i < K; ++i)
        for (size_t j = 0; j < K; ++j) {
            if (ranks[i] >= ranks[j]) continue;
            const auto p = pairwise_loss(scores[i], scores[j], 1, c);
            loss += p.loss / pairs;
            d_scores[i] += p.d_a / pairs;
            d_scores[j] += p.d_b / pairs;
        }
    return loss;
}

namespace ranking {

// Adds weight·[log Σ_{j = i or worse} e^r_j − r_i] and its gradient.
template <class Scalar>
void add_choice(size_t i, double weight, std::span<const Scalar> scores, std::span<const int> ranks, Scalar& loss,
                std::span<Scalar> d_scores) {
    const size_t K = scores.size();
    auto is_offered = [&](size_t j) { return j == i || ranks[j] > ranks[i]; };
    double max = real_of(scores[i]);
    for (size_t j = 0; j < K; ++j)
        if (is_offered(j)) max = std::max(max, real_of(scores[j]));
    Scalar sum = 0;
    for (size_t j = 0; j < K; ++j)
        if (is_offered(j)) sum += std::exp(scores[j] - max);
    loss += weight * (std::log(sum) + max - scores[i]);
    for (size_t j = 0; j < K; ++j)
        if (is_offered(j)) d_scores[j] += weight * std::exp(scores[j] - max) / sum;
    d_scores[i] -= weight;
}

}  // namespace ranking

// d_scores [K] is written.
template <class Scalar>
Scalar plackett_luce_loss(std::span<const Scalar> scores, std::span<const int> ranks, std::span<Scalar> d_scores) {
    CHECK(ranks.size() == scores.size() && d_scores.size() == scores.size());
    std::fill(d_scores.begin(), d_scores.end(), Scalar(0));
    Scalar loss = 0;
    for (size_t i = 0; i < scores.size(); ++i) ranking::add_choice(i, 1, scores, ranks, loss, d_scores);
    return loss;
}

// d_scores [K] is written.
template <class Scalar>
Scalar best_of_loss(std::span<const Scalar> scores, std::span<const int> ranks, std::span<Scalar> d_scores) {
    CHECK(ranks.size() == scores.size() && d_scores.size() == scores.size());
    std::fill(d_scores.begin(), d_scores.end(), Scalar(0));
    Scalar loss = 0;
    if (scores.empty()) return loss;
    const int best = *std::min_element(ranks.begin(), ranks.end());
    const double share = 1 / double(std::count(ranks.begin(), ranks.end(), best));
    for (size_t i = 0; i < scores.size(); ++i)
        if (ranks[i] == best) ranking::add_choice(i, share, scores, ranks, loss, d_scores);
    return loss;
}

}  // namespace gradus
