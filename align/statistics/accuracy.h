#pragma once
// A share of right answers with the interval in which the true share lies, and the shares that a reward model must exceed.
//
//   Wilson      (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)        z = 1.96: 95 %
//   bootstrap   the 2.5th and the 97.5th percentile of the mean over samples drawn with replacement
//
// Wilson's interval holds for few answers and for shares near 0 and 1, where p ± z·√(p(1−p)/n) does not. The bootstrap is for
// means of other numbers than 0 and 1. Sources: Wilson 1927; Efron 1979.
#include <cstdint>
#include <span>

namespace gradus {

struct Interval {
    double low = 0, high = 1;
};

// An interval of 0 … 1 where there are no answers. right: halves are allowed.
Interval wilson_interval(double right, double all);

// A pure function of the values and the seed. {0, 0} where there are no values.
Interval bootstrap_interval(std::span<const double> values, uint64_t seed, int samples = 2000);

struct Accuracy {
    double right = 0, all = 0;  // ties are in neither
    double ties = 0;

    void add(double margin) {
        if (margin == 0) {
            ties += 1;
            return;
        }
        all += 1;
        right += margin > 0;
    }
    void operator+=(const Accuracy& o) {
        right += o.right;
        all += o.all;
        ties += o.ties;
    }

    double share() const { return all > 0 ? right / all : 0; }
    Interval interval() const { return wilson_interval(right, all); }
};

// margins: the score of the chosen answer less that of the rejected one.
Accuracy pair_accuracy(std::span<const double> margins);

// What is reached without reading the answers: a coin is right half of the time, and the rule "the longer one" as often as
// here; 1 − share is "the shorter one".
struct PairBaselines {
    static constexpr double random = 0.5;
    Accuracy longer;

    // The better of the two rules of length.
    double length() const;
};

PairBaselines pair_baselines(std::span<const int64_t> chosen_lengths, std::span<const int64_t> rejected_lengths);

}  // namespace gradus
