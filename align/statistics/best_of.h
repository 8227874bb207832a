#pragma once
// What the best of k answers would be, from one pool of N answers to a prompt, for every k ≤ N and without bias: the mean over
// all C(N,k) subsets, in closed form. With the answers sorted by the score that chooses, the worst first:
//
//   best-of-k   Σ_i value_(i)·C(i−1, k−1)/C(N, k)            i = 1 … N; C(i−1, k−1) subsets have answer i as their best
//   pass@k      1 − C(N−c, k)/C(N, k)                        c of the N answers are right
//   KL          log k − (k−1)/k                              an upper bound of KL(best-of-k ‖ policy), exact without ties
//
// The value may be the score itself, E[max of k], or what another judge gives the answer, as the true utility of the answer
// that a reward model chooses. Answers with equal scores are equally likely to be chosen. Sources: Chen et al. 2021
// (pass@k); Nakano et al. 2021 (best-of-k); Stiennon et al. 2020 (KL).
#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

// curve[k−1]: the expected value of the answer with the highest score among k.
std::vector<double> best_of_curve(std::span<const double> scores, std::span<const double> values);
// E[max of k].
inline std::vector<double> best_of_curve(std::span<const double> scores) { return best_of_curve(scores, scores); }

// 1 ≤ k ≤ answers, 0 ≤ right ≤ answers.
double pass_at(int64_t k, int64_t answers, int64_t right);

double best_of_kl(int64_t k);

}  // namespace gradus
