#pragma once
// Rows of several sequences that lie one after the other, as packing leaves them: lengths[b] rows belong to sequence b, and
// the lengths add up to the number of rows. A row is learnt where its target was sampled by the policy (or written by the
// assistant): a byte per row says so, and rows that are not learnt are never read.
//
//   sequence_sums    sum[b] = Σ_n log_prob[n],  count[b] = Σ_n 1       over the learnt rows n of sequence b
//   add_to_rows      d_log_prob[n] += d_sum[b]                          for the learnt rows n of sequence b: its backward
#include <cstdint>
#include <span>

#include "engine/base/error.h"

namespace gradus {

// Calls run(b, first row, one past the last row) for each sequence.
template <class Run>
void for_each_sequence(std::span<const int64_t> lengths, size_t rows, Run&& run) {
    size_t first = 0;
    for (size_t b = 0; b < lengths.size(); ++b) {
        CHECK(lengths[b] >= 0 && size_t(lengths[b]) <= rows - first, "the lengths go beyond the rows");
        run(b, first, first + size_t(lengths[b]));
        first += size_t(lengths[b]);
    }
    CHECK(first == rows, "the lengths end before the rows");
}

// sums and counts [sequences] are written.
template <class Scalar>
void sequence_sums(std::span<const Scalar> log_probs, std::span<const uint8_t> learnt, std::span<const int64_t> lengths,
                   std::span<Scalar> sums, std::span<double> counts) {
    CHECK(learnt.size() == log_probs.size() && sums.size() == lengths.size() && counts.size() == lengths.size());
    for_each_sequence(lengths, log_probs.size(), [&](size_t b, size_t first, size_t last) {
        sums[b] = 0;
        counts[b] = 0;
        for (size_t n = first; n < last; ++n)
            if (learnt[n]) {
                sums[b] += log_probs[n];
                counts[b] += 1;
            }
    });
}

template <class Scalar>
void add_to_rows(std::span<const Scalar> d_sums, std::span<const uint8_t> learnt, std::span<const int64_t> lengths,
                 std::span<Scalar> d_log_probs) {
    CHECK(learnt.size() == d_log_probs.size() && d_sums.size() == lengths.size());
    for_each_sequence(lengths, d_log_probs.size(), [&](size_t b, size_t first, size_t last) {
        for (size_t n = first; n < last; ++n)
            if (learnt[n]) d_log_probs[n] += d_sums[b];
    });
}

}  // namespace gradus
