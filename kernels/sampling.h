#pragma once
// Sampling: the next token of each row from its logits, without a copy of the logits to the host.
//
// Row n has the logits z[v], v in [0, V). With tensor parallelism R ranks hold slices of Vr classes each: v = r·Vr + i.
//
//   log-probability   log_prob[n] = log softmax(z/τ)[id]; log softmax(z)[id] where τ = 0. Steps 1 and 3 to 5 do not change it:
//                     it is the model's log-probability, as policy gradients need it.
//   1. repetition penalty ρ   x[v] = z[v]/ρ where z[v] ≥ 0, z[v]·ρ where z[v] < 0, for every v in the row's `seen`; else z[v]
//   2. temperature τ          w[v] = exp((x[v] − max x)/τ), so 1 for the most likely id.
//                             τ = 0 (greedy) takes the largest x, the lowest id among equals, and stops here
//   3. top-k                  keeps the ids whose x is at least the k-th largest (ties with the k-th stay)
//   4. top-p                  visits the ids in descending order of w, the lower id first among equals, and keeps each id for
//                             which the sum of the earlier w is below p · Σw; always the first
//   5. min-p                  keeps the ids with w ≥ min_p
//   6. draw                   u = Philox{key}.uniform(position, stream): the first id at which the running sum of w exceeds
//                             u · Σw. The sum runs over the ids in ascending order, and where top-p < 1 from the smallest w
//                             to the largest, among equals from the highest id to the lowest
//
// The filters, their order and their ties are those of Hugging Face transformers. The draw is a pure function of (seed,
// stream, position): a sequence has the same continuation in any batch. Backends may round w differently, so they draw the
// same id unless u · Σw is within rounding of a boundary between two ids.
//
// A row without a distribution, because a logit is NaN or the largest x is infinite, gets the id −1 and the log-probability
// NaN: the caller reports broken weights.
//
// Sources: Keskar et al. 2019 (repetition penalty), Fan et al. 2018 (top-k), Holtzman et al. 2020 (top-p), Nguyen et al.
// 2024 (min-p). Memory bound: the logits are read once, the workspace (8 bytes per class) a few times.
#include "engine/base/philox.h"
#include "kernels/tensor.h"

namespace gradus {

struct Sample {
    Out ids;                 // [k]       i32, or −1
    Out log_probs;           // [k]       accumulator dtype
    Out workspace;           // [sample_workspace(k, V)]  f32
    In logits;               // [R,k,Vr]  classes from V on are padding, never drawn
    In streams;              // [k,2]     i32: the lower and the upper word of an unsigned 64-bit number
    In positions;            // [k]       i32, at least 0
    Opt seen_offsets = {};   // [k+1]  i32: the part of `seen` that belongs to row n begins at [n], ends before [n + 1]
    Opt seen = {};           // [S]    i32, for the penalty: each id once in its row
    double temperature = 1;  // 0: greedy
    int64_t top_k = 0;       // 0: no limit
    double top_p = 1;        // 1: no limit
    double min_p = 0;        // 0: no limit
    double repetition_penalty = 1;  // 1: none
    uint64_t seed;
    int64_t V;  // at most R·Vr
};

// Elements: a weight and an id for each class of each row.
constexpr int64_t sample_workspace(int64_t k, int64_t V) { return 2 * k * V; }

// The key of step 6, different from all other uses of the seed.
constexpr uint64_t sample_key(uint64_t seed) { return key_of(seed, 0x67656e); }

inline Cost cost(const Sample& a) { return {double(a.logits.bytes()), 8.0 * double(a.ids.size()) * double(a.V)}; }

}  // namespace gradus
