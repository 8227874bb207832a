#pragma once
// Arguments of ops that change from one training step to the next. They are in device memory at the same address in every step,
// and ops take that address. So the calls of all steps are identical, and may be recorded once and replayed (a CUDA graph). The
// trainer computes the values on the host in double precision and uploads them in stream order before the work that reads
// them (engine/step_memory.h).
//
// Constants (betas, eps, decay, the first row) are ordinary arguments. Dropout keys are not here, because every layer and site
// has its own: kernels/dropout.h takes the key's address.
#include <cmath>
#include <cstdint>

namespace gradus {

struct StepValues {
    double loss_scale = 1;                    // cross_entropy_backward: 1 / (number of targets of the global batch)
    double lr = 0;                            // adamw, muon: learning rate
    double correction1 = 1, correction2 = 1;  // adamw: bias_correction() of β₁ and β₂
    uint64_t rounding_key = 0;                // adamw: of stochastic rounding; 0: to nearest
};

// 1 − βᵗ at step t, counted from 1: the divisor that corrects AdamW's moments for starting at 0.
inline double bias_correction(double beta, int64_t t) { return 1 - std::pow(beta, double(t)); }

}  // namespace gradus
