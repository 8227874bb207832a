#pragma once
// What the sum of a policy loss over tokens is divided by, as a weight of each learnt row n. B: sequences with a learnt row,
// M: learnt rows, both of the whole batch (all micro-batches and all ranks); |y|: learnt rows of n's sequence; L: the most
// tokens that an answer may have.
//
//   grpo        w = 1/(B·|y|)    mean over answers of the mean over tokens: each answer counts the same
//   dapo        w = 1/M          mean over tokens: long answers count more. Also called bnpo
//   dr_grpo     w = 1/(B·L)      a constant: neither length nor the other answers change a token's weight
//   sequence    w = 1/B          mean over answers of the sum over tokens: the gradient of REINFORCE and RLOO
//
// Counted before the first backward, so that accumulation and the number of ranks do not change the loss; a mean of means is
// something else. Sources: Shao et al. 2024 (GRPO); Yu et al. 2025 (DAPO); Liu et al. 2025 (Dr. GRPO).
#include <cstdint>
#include <span>
#include <string_view>

namespace gradus {

enum class Normaliser { grpo, dapo, dr_grpo, sequence };

// By its name above. Throws an Error for another name.
Normaliser normaliser_named(std::string_view name);

struct RowCounts {
    double sequences = 0, rows = 0;  // B, M

    void operator+=(const RowCounts& o) {
        sequences += o.sequences;
        rows += o.rows;
    }
};

RowCounts count_rows(std::span<const uint8_t> learnt, std::span<const int64_t> lengths);

// weights [rows] is written: 0 in rows that are not learnt. longest: L, read by dr_grpo alone.
void row_weights(Normaliser, const RowCounts& of_all, std::span<const uint8_t> learnt, std::span<const int64_t> lengths,
                 int64_t longest, std::span<double> weights);

}  // namespace gradus
