#pragma once
// The feed-forward layer: widen, bend, narrow. Plain (GPT-2) or gated (LLaMA), by the model's choice.
//
//   plain   y = f(x·up_wᵀ + up_b)·down_wᵀ + down_b                              up_w [F,C]
//   gated   y = ( f(gate)·up )·down_wᵀ + down_b       [gate | up] = x·up_wᵀ + up_b     up_w [2F,C]
//
// Under tensor parallelism each rank has its own columns of F; y and d_x are then its part of a sum, which the block
// makes, as in engine/layers/attention.h. The mathematics: kernels/activation.h, kernels/linear.h.
#include "engine/run.h"
#include "engine/spec.h"

namespace gradus {

inline int up_width(const Dims& d, const ModelConfig& m) { return m.gated ? 2 * d.F : d.F; }

struct FeedForwardWeights {
    Tensor up_w, up_b, down_w, down_b;

    template <class Visit>
    void each(const Dims& d, const ModelConfig& m, Visit&& visit) {
        const int U = up_width(d, m);
        const std::array<int64_t, 3> parts = m.gated ? std::array<int64_t, 3>{d.F, d.F, 0} : std::array<int64_t, 3>{};
        visit("up_w", up_w, Spec{.shape = {U, d.C}, .split = Split::rows, .parts = parts, .overwritten = true});
        visit("down_w", down_w,
              Spec{.shape = {d.C, d.F}, .init = Init::residual, .split = Split::columns, .overwritten = true});
        if (!m.bias) return;
        visit("up_b", up_b, Spec{.shape = {U}, .init = Init::zero, .split = Split::rows, .parts = parts});
        visit("down_b", down_b, Spec{.shape = {d.C}, .init = Init::zero});
    }
};

struct FeedForwardActs {
    Tensor up;         // [N,F] or [N,2F]
    Tensor activated;  // [N,F]

    template <class Visit>
    void each(const Run& r, Visit&& visit) {
        visit("up", up, Shape{r.d.N(), up_width(r.d, r.model)}, r.dtype);
        visit("activated", activated, Shape{r.d.N(), r.d.F}, r.dtype);
    }
};

struct FeedForwardScratch {
    Tensor d_up;
    Tensor d_activated;  // gated: one op computes d_up of a plain one

    template <class Visit>
    void each(const Run& r, Visit&& visit) {
        visit("d_up", d_up, Shape{r.d.N(), up_width(r.d, r.model)}, r.dtype);
        if (r.model.gated) visit("d_activated", d_activated, Shape{r.d.N(), r.d.F}, r.dtype);
    }
};

void feed_forward_forward(const Run&, const FeedForwardWeights&, Tensor up, Tensor activated, Tensor y, Tensor x);
void feed_forward_backward(const Run&, const FeedForwardWeights& w, FeedForwardWeights& d_w, const FeedForwardActs&,
                           FeedForwardScratch&, Tensor d_x, Tensor d_y, Tensor x);

}  // namespace gradus
