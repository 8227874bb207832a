#pragma once
// The gradient's global norm, clipping, and the AdamW step over the ranges of an arena, in one call.
//
//   square_sum   total += Σ_i x[i]²                      in two stages of a fixed order: the same for any thread count
//   clip_scale   scale  = min(1, max_norm / (√total + 1e-6))     max_norm ≤ 0: no clipping, scale = 1
//
//   adamw        with lr, 1 − β₁ᵗ, 1 − β₂ᵗ and the rounding key of the step's values (kernels/step_values.h):
//                g = scale · grad
//                m = β₁·m + (1 − β₁)·g                   v = β₂·v + (1 − β₂)·g²
//                master −= lr · ( m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + eps) + decay·master )
//                param   = round(master)                 if the model computes in bf16
//
//   average      average += rate · (x − average)                 of decay 1 − rate: an exponential moving average of weights
//
// The scale stays on the device, so that no step waits for the host. Rounding is to nearest, or with a non-zero key
// stochastic: up with the probability that makes the expected value exact, using the upper half of one of four words: for a weight
// with index i in its arena, Philox{key}.words(i / 4)[i % 4]. So the result is the same for any split of a range.
// Sources: Loshchilov, Hutter 2019; PyTorch's clip_grad_norm_ for the 1e-6. Memory bound: 28 bytes a weight in f32.
#include <span>

#include "kernels/step_values.h"
#include "kernels/tensor.h"

namespace gradus {

// The maximum number of partial sums of square_sum's first stage.
constexpr int64_t square_sum_parts = 1024;

struct SquareSum {
    Acc total;  // [1]  f64
    Out parts;  // [square_sum_parts]  f64: workspace for partial sums
    In x;       // any shape
};

struct ClipScale {
    Out scale;  // [1]  f64
    In total;   // [1]  f64
    double max_norm;
};

// Adjacent weights: where they begin in each tensor of an AdamW.
struct AdamWRange {
    int64_t count;
    int64_t master, m, v;
    int64_t param;  // and grad
    bool decayed;   // otherwise their decay is 0
};

struct AdamW {
    Acc master, m, v;               // [n]  f32 (f64 in the reference)
    Opt param = {};                 // [n]  bf16, overwritten; empty if the model computes with master itself
    In grad;                        // [n]  as master
    Opt scale = {};                 // [1]  f64, multiplies the gradient; empty: 1
    const StepValues* step_values;  // on the device
    double beta1, beta2, eps, decay;
    int64_t first = 0;                        // index of param's first element in its arena, for stochastic rounding
    std::span<const AdamWRange> ranges = {};  // in order, without overlap, on the host; empty: all n weights, decayed
};

// Calls visit(range) for every range of a call.
template <class Visit>
void each_range(const AdamW& a, Visit&& visit) {
    if (a.ranges.empty())
        visit(AdamWRange{.count = a.master.size(), .master = 0, .m = 0, .v = 0, .param = 0, .decayed = true});
    for (const AdamWRange& r : a.ranges) visit(r);
}

struct Average {
    Acc average;  // [n]  f32 (f64 in the reference)
    In x;         // [n]  as average
    double rate;  // in [0, 1]
};

inline Cost cost(const SquareSum& a) { return {double(a.x.bytes()), 2.0 * double(a.x.size())}; }
inline Cost cost(const AdamW& a) {
    double n = 0;
    each_range(a, [&](const AdamWRange& r) { n += double(r.count); });
    const double of_param = a.param ? double(size_of(a.param.dtype)) : 0;
    return {n * (7.0 * double(size_of(a.master.dtype)) + of_param), 14.0 * n};
}
inline Cost cost(const Average& a) { return {3.0 * double(a.x.bytes()), 3.0 * double(a.x.size())}; }

}  // namespace gradus
