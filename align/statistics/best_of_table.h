#pragma once
// The best-of-k curve (best_of.h) of many prompts, for k = 1, 2, 4, … and the number of answers. A prompt with fewer than k answers
// to choose from is not in the row of k.
#include "align/statistics/best_of.h"
#include "align/statistics/running.h"

namespace gradus {

struct BestOfRow {
    int64_t k = 0;
    double score = 0;           // mean over the prompts of E[max of k]
    double standard_error = 0;  // of that mean, over the prompts
    double kl = 0;              // nats, at most
    int64_t prompts = 0;
};

class BestOfTable {
public:
    // `answers`: to a prompt, at most.
    explicit BestOfTable(int64_t answers);

    // The scores of the answers to a prompt.
    void add(std::span<const double> scores);
    // Without those of k that no prompt has.
    std::vector<BestOfRow> rows() const;

private:
    std::vector<int64_t> ks_;
    std::vector<Running> of_k_;
};

}  // namespace gradus
