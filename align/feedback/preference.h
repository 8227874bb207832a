#pragma once
// What a judge's log-probabilities say of two answers, and how good a judge it is.
//
//   p(first)     σ(ℓ_A − ℓ_B) = p(A)/(p(A) + p(B)): the probability that the answer shown first is better
//   in both orders, f where answer 1 is shown first and s where answer 2 is:
//   preference   ½ + ½(f − s): the probability that answer 1 is better, without the judge's liking for a position
//   position     ½(f + s): ½ for a judge that has none
//
// Sources: Bai et al. 2022 (soft labels from the log-probabilities of labels); Zheng et al. 2023 (both orders).
#include <string>
#include <utility>
#include <vector>

#include "align/statistics/accuracy.h"
#include "align/statistics/running.h"

namespace gradus {

// log p of the labels of the first and of the second answer.
struct LabelLogProbs {
    double a = 0, b = 0;
    int bounds = 0;  // how many of the two are only known to be no larger than this

    double first() const;  // p(first)
};

// From the most likely next tokens that a server tells, and their log-probabilities. A label's probability is the sum over
// the tokens that are the label with white space, brackets, quotes or a mark of a beginning word around it. A label that is
// missing is at most as likely as the least likely token. Without tokens: both are 0, and bounds.
using TopTokens = std::vector<std::pair<std::string, double>>;
LabelLogProbs label_log_probs(const TopTokens&, const std::string& label_a, const std::string& label_b);

// Both orders of a pair of answers.
struct BothOrders {
    double first = 0.5, second = 0.5;  // f, s
    int bounds = 0;                    // labels without a log-probability of their own, of four

    bool prefers_first() const { return first >= second; }
    // Of the preferred answer, ½ to 1: the same whichever of the two is answer 1.
    double probability() const;
    double position() const { return 0.5 * (first + second); }
    bool agree() const { return (first > 0.5 && second < 0.5) || (first < 0.5 && second > 0.5); }
    BothOrders exchanged() const { return {second, first, bounds}; }
};

// Nats of a coin that falls on one side with probability p: ln 2 for ½, 0 for 1.
double entropy_of_label(double p);

// What a judge said, over all pairs.
struct JudgeStatistics {
    static constexpr double tie_within = 0.05;

    Running position, entropy;
    double pairs = 0, agreeing = 0, ties = 0, bounds = 0;
    Accuracy ranking;  // whether it prefers the answer that the file ranks better; ties of the judge are in neither

    // probability: the label that is written, of the preferred answer.
    void add(const BothOrders&, double probability);
    // Of a pair that is ranked in the file, and not as a tie.
    void add_ranked(const BothOrders&, bool first_is_better);

    double agreement() const { return pairs > 0 ? agreeing / pairs : 0; }
};
std::string text_of(const JudgeStatistics&);

}  // namespace gradus
