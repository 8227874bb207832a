#pragma once
// The weight β of the KL penalty, steered so that the policy stays near a target distance from the reference:
//
//   error = clip(KL / target − 1, ±0.2)
//   β ← β·(1 + error · answers / horizon)
//
// after each batch, KL the mean over its answers of Σ (ℓ − ℓ_ref) in nats, of all ranks. Source: Ziegler et al. 2019.
#include <algorithm>
#include <cstdint>

namespace gradus {

struct AdaptiveKl {
    double beta = 0.05;
    double target = 0;  // nats per answer; 0: β is fixed
    double horizon = 10000;

    void update(double kl, int64_t answers) {
        if (target <= 0) return;
        beta *= 1 + std::clamp(kl / target - 1, -0.2, 0.2) * double(answers) / horizon;
    }
};

}  // namespace gradus
