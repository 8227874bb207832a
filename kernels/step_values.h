#pragma once
// What ops read that changes from one training step to the next. It lies in memory of the device, at the same address in every
// step, and ops are given that address: so the calls of a step are the same in every step, and may be recorded once and
// replayed (a CUDA graph). The trainer computes the values on the host, in double, and uploads them in the order of
// the stream, before the work that reads them (engine/step_memory.h).
//
// What is constant for a call (betas, eps, decay, the first row) stays in its arguments. The key of a dropout is not here, since
// every layer and site has its own: kernels/dropout.h takes its address.
#include <cmath>
#include <cstdint>

namespace gradus {

struct StepValues {
    double loss_scale = 1;                    // cross_entropy_backward: 1 / (number of targets of the global batch)
    double lr = 0;                            // adamw, muon: learning rate
    double correction1 = 1, correction2 = 1;  // adamw: bias_correction() of β₁ and β₂
    uint64_t rounding_key = 0;                // adamw: of stochastic rounding; 0: to nearest
};

// 1 − βᵗ at step t, counted from 1: what the moments of AdamW are divided by, since they start at 0.
inline double bias_correction(double beta, int64_t t) { return 1 - std::pow(beta, double(t)); }

}  // namespace gradus
