#pragma once
// The sum of an answer's log-probabilities, on which every loss of whole answers depends, and the way back to its ids.
#include "align/batches/sequence.h"

namespace gradus {

struct AnswerSums {
    double log_prob = 0, tokens = 0;  // over the learnt ids
};

inline AnswerSums sums_of(const Sequences& texts, int sequence, const std::vector<double>& log_probs) {
    AnswerSums s;
    for (int64_t n = texts.first[std::size_t(sequence)]; n <= texts.last_row(sequence); ++n)
        if (texts.learnt[std::size_t(n)]) {
            s.log_prob += log_probs[std::size_t(n)];
            s.tokens += 1;
        }
    return s;
}

// ∂J/∂log_prob of each learnt id is that of the sum.
inline void set_rows(const Sequences& texts, int sequence, double d_sum, std::vector<double>& rows) {
    for (int64_t n = texts.first[std::size_t(sequence)]; n <= texts.last_row(sequence); ++n)
        if (texts.learnt[std::size_t(n)]) rows[std::size_t(n)] = d_sum;
}

}  // namespace gradus
