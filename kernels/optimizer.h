#pragma once
// The gradient's global norm, clipping, and the AdamW step over a flat range of an arena.
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
// stochastic: up with the probability that makes the expected value exact, using the upper half of
// Philox{key}.words(first + i)[0].
// Sources: Loshchilov, Hutter 2019; PyTorch's clip_grad_norm_ for the 1e-6. Memory bound: 28 bytes a weight in f32.
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

struct AdamW {
    Acc master, m, v;               // [n]  f32 (f64 in the reference)
    Opt param = {};                 // [n]  bf16, overwritten; empty if the model computes with master itself
    In grad;                        // [n]  as master
    Opt scale = {};                 // [1]  f64, multiplies the gradient; empty: 1
    const StepValues* step_values;  // on the device
    double beta1, beta2, eps, decay;
    int64_t first = 0;  // index of the range's first element in its arena, for stochastic rounding
};

struct Average {
    Acc average;  // [n]  f32 (f64 in the reference)
    In x;         // [n]  as average
    double rate;  // in [0, 1]
};

inline Cost cost(const SquareSum& a) { return {double(a.x.bytes()), 2.0 * double(a.x.size())}; }
inline Cost cost(const AdamW& a) {
    return {7.0 * double(a.master.bytes()) + double(a.param ? a.param.bytes() : 0), 14.0 * double(a.master.size())};
}
inline Cost cost(const Average& a) { return {3.0 * double(a.x.bytes()), 3.0 * double(a.x.size())}; }

}  // namespace gradus
