#pragma once
// The rungs of AdamW, in the order of the ladder. Formulas: kernels/optimizer.h. Page: docs/kernels/adamw.md.
#include "kernels/cuda/common.h"
#include "kernels/optimizer.h"

namespace gradus::DEVICE::adamw_ladder {

void naive(const AdamW&, Stream);
void packs(const AdamW&, Stream);

// ---- for the rungs ---------------------------------------------------------------------------------------------

// One range, with the pointers to its first elements.
struct Range {
    float *master, *m, *v;
    bf16* param;
    const float* grad;
    int64_t count;
    uint64_t index;  // of its first weight in the arena
    const double* scale;
    const StepValues* step_values;
    float beta1, beta2, one_minus_beta1, one_minus_beta2, eps, decay;

    __device__ void update(float& w, float& m_of_w, float& v_of_w, float gradient) const {
        const float g = (scale ? float(*scale) : 1.f) * gradient;
        m_of_w = beta1 * m_of_w + one_minus_beta1 * g;
        v_of_w = beta2 * v_of_w + one_minus_beta2 * g * g;
        const auto correction1 = float(step_values->correction1), correction2 = float(step_values->correction2);
        const float direction = m_of_w / correction1 / (sqrtf(v_of_w / correction2) + eps);
        w -= float(step_values->lr) * (direction + decay * w);
    }
};

inline Range range_of(const AdamW& a, const AdamWRange& r) {
    return {.master = a.master.as<float>() + r.master,
            .m = a.m.as<float>() + r.m,
            .v = a.v.as<float>() + r.v,
            .param = a.param ? a.param.as<bf16>() + r.param : nullptr,
            .grad = a.grad.as<float>() + r.param,
            .count = r.count,
            .index = uint64_t(a.first + r.param),
            .scale = a.scale.as<double>(),
            .step_values = a.step_values,
            .beta1 = float(a.beta1),
            .beta2 = float(a.beta2),
            .one_minus_beta1 = float(1 - a.beta1),
            .one_minus_beta2 = float(1 - a.beta2),
            .eps = float(a.eps),
            .decay = r.decayed ? float(a.decay) : 0.f};
}

// The naive kernel on one range.
void naive_range(const Range&, Stream);

}  // namespace gradus::DEVICE::adamw_ladder
