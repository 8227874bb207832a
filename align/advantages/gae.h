#pragma once
// Generalised advantage estimation over the learnt rows t = 1 … T of each sequence, V[t] the value of the state in which
// token t is sampled (the hidden state of the token before it):
//
//   δ[t] = reward[t] + γ·V[t+1] − V[t]
//   A[t] = δ[t] + γλ·A[t+1]              V[T+1] = A[T+1] = 0: nothing comes after the answer
//   R[t] = A[t] + V[t]                   the return, target of the value model
//
// λ = 0: one-step differences; λ = 1: the discounted sum of the rewards still to come, less V. An answer that was cut off
// counts as ended; the missing-end penalty of align/advantages/scores.h makes that fair. Rows between two learnt rows that
// are not learnt (what a tool said) are passed over, without a discount. Whiten the advantages after the returns are computed.
// Source: Schulman et al. 2016.
#include <cstdint>
#include <span>

namespace gradus {

struct GaeInputs {
    std::span<const double> rewards, values;  // [rows]
    std::span<const uint8_t> learnt;          // [rows]
    std::span<const int64_t> lengths;         // [sequences]
};

// advantages and returns [rows] are written: 0 in rows that are not learnt.
void generalised_advantages(const GaeInputs&, double gamma, double lambda, std::span<double> advantages,
                            std::span<double> returns);

}  // namespace gradus
