#pragma once
// LayerNorm or RMSNorm, by the model's choice, of the rows that are this rank's own. The mathematics:
// kernels/layernorm.h, kernels/rmsnorm.h.
#include "engine/run.h"
#include "engine/spec.h"

namespace gradus {

struct NormWeights {
    Tensor gain, bias;

    template <class Visit>
    void each(const ModelConfig& m, Visit&& visit) {
        visit("gain", gain, Spec{.shape = {m.C}, .init = Init::one});
        if (m.norm.kind == Norm::layer && m.bias) visit("bias", bias, Spec{.shape = {m.C}, .init = Init::zero});
    }
};

struct NormActs {
    Tensor mean, rstd;

    template <class Visit>
    void each(const Run& r, Visit&& visit) {
        if (r.model.norm.kind == Norm::layer) visit("mean", mean, Shape{r.own_rows()}, r.accumulator());
        visit("rstd", rstd, Shape{r.own_rows()}, r.accumulator());
    }
};

// y = norm(x)
void norm_forward(const Run&, const NormWeights&, NormActs&, Tensor y, Tensor x);
// x = a + b;  y = norm(x)
void add_norm_forward(const Run&, const NormWeights&, NormActs&, Tensor y, Tensor x, Tensor a, Tensor b);
// d_x = (gradient through the norm) + d_residual
void norm_backward(const Run&, const NormWeights& w, NormWeights& d_w, const NormActs&, Tensor d_x, Tensor d_y,
                   Tensor x, Tensor d_residual = {});

}  // namespace gradus
