#pragma once
// The rungs of cross-entropy, in the order of the ladder. Formulas: kernels/cross_entropy.h. Page: docs/kernels/cross_entropy.md.
#include "kernels/cross_entropy.h"
#include "kernels/cuda/common.h"

namespace gradus::DEVICE::cross_entropy_ladder {

void naive(const CrossEntropy&, Stream);
void warp_per_row(const CrossEntropy&, Stream);
void block_per_row(const CrossEntropy&, Stream);

// ---- for the rungs ---------------------------------------------------------------------------------------------

__device__ inline float relative_to(float max) { return max == -infinity ? 0.f : max; }

template <class Scalar>
struct Rows {
    Scalar* logits;
    float *loss, *lse, *log_prob;
    const int32_t* targets;
    const float* coefficient;
    const StepValues* step_values;
    int64_t N, V, stride;
    float constant, inverse_temperature, kept, uniform, z_loss;

    __device__ Scalar* row(int64_t n) const { return logits + n * stride; }
    // x[n,v] of the formulas
    __device__ float x(int64_t n, int64_t v) const { return float(row(n)[v]) * inverse_temperature; }

    // Returns the lse. sum_exp: relative to max; both of x.
    __device__ float log_sum_exp(float max, float sum_exp) const { return max + logf(sum_exp); }

    __device__ void write_losses(int64_t n, float row_lse, float target_logit, float logit_sum) const {
        const bool ignored = targets[n] < 0;
        const float smooth = uniform > 0 ? uniform * logit_sum : 0.f;
        lse[n] = row_lse;
        loss[n] = ignored ? 0.f : row_lse - kept * target_logit - smooth + z_loss * row_lse * row_lse;
        if (log_prob) log_prob[n] = ignored ? 0.f : target_logit - row_lse;
    }

    // What multiplies the gradients of a row: 0 if they are 0.
    __device__ float scale(int64_t n) const {
        const float weight = coefficient ? coefficient[n] : 1.f;
        return targets[n] < 0 ? 0.f : (step_values ? float(step_values->loss_scale) : 1.f) * constant * weight;
    }
    __device__ Scalar gradient(int64_t n, int64_t v, float row_scale, float row_lse, float x) const {
        const float p = expf(x - row_lse) * (1 + 2 * z_loss * row_lse);
        return Scalar(row_scale == 0 ? 0.f : row_scale * (p - (v == targets[n] ? kept : 0.f) - uniform));
    }
};

template <class Scalar>
Rows<Scalar> rows_of(const CrossEntropy& a) {
    const int64_t V = a.logits.last();
    return {.logits = a.logits.as<Scalar>(),
            .loss = a.loss.as<float>(),
            .lse = a.lse.as<float>(),
            .log_prob = a.log_prob.as<float>(),
            .targets = a.targets.as<int32_t>(),
            .coefficient = a.coefficient.as<float>(),
            .step_values = a.step_values,
            .N = a.logits.rows(),
            .V = V,
            .stride = a.logits.stride(),
            .constant = float(a.scale / a.temperature),
            .inverse_temperature = float(1 / a.temperature),
            .kept = float(1 - a.smoothing),
            .uniform = float(a.smoothing / double(V)),
            .z_loss = float(a.z_loss)};
}

}  // namespace gradus::DEVICE::cross_entropy_ladder
