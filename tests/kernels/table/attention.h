#pragma once
// Attention as the tests of a table call it, and its comparison for one shape under one mask.
#include <map>

#include "kernels/attention.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

namespace gradus::test {

struct SavedAttention {
    Owned y, lse;
};

inline Owned qkv_of(const Side& s, const Heads& h, double spread = 1) {
    return s.in(1, {int64_t(h.B) * h.T, (h.H + 2 * h.G) * h.D}, spread);
}

inline double usual_scale(const Heads& h) { return 1 / std::sqrt(double(h.D)); }

inline SavedAttention attention_forward(const Side& s, const Heads& h, const Mask& mask, const Tensor& qkv,
                                        double scale) {
    const int64_t N = int64_t(h.B) * h.T;
    SavedAttention saved = {s.out({N, h.H * h.D}), s.statistic({h.B, h.H, h.T})};
    s.ops.attention_forward({.y = saved.y,
                             .lse = saved.lse,
                             .qkv = qkv,
                             .lo = mask.lo,
                             .hi = mask.hi,
                             .B = h.B,
                             .T = h.T,
                             .H = h.H,
                             .G = h.G,
                             .D = h.D,
                             .scale = scale},
                            {});
    return saved;
}

inline Owned attention_backward(const Side& s, const Heads& h, const Mask& mask, const Tensor& d_y, const Tensor& qkv,
                                const SavedAttention& saved, double scale) {
    Owned d_qkv = s.out(qkv.shape);
    const Owned delta = s.statistic(saved.lse.shape);
    s.ops.attention_backward({.d_qkv = d_qkv,
                              .delta = delta,
                              .d_y = d_y,
                              .qkv = qkv,
                              .y = saved.y,
                              .lse = saved.lse,
                              .lo = mask.lo,
                              .hi = mask.hi,
                              .B = h.B,
                              .T = h.T,
                              .H = h.H,
                              .G = h.G,
                              .D = h.D,
                              .scale = scale},
                             {});
    return d_qkv;
}

inline void compare_attention_forward(const Heads& h, const Mask& mask) {
    compare(named("attention_forward", h, mask.name), [&](const Side& s) {
        SavedAttention saved = attention_forward(s, h, mask, qkv_of(s, h), usual_scale(h));
        return outputs(std::move(saved.y), std::move(saved.lse));
    });
}

// Backward is given what forward of the truth saved, rounded.
inline void compare_attention_backward(const Heads& h, const Mask& mask) {
    std::map<std::pair<DType, uint64_t>, SavedAttention> of_truth;
    compare(named("attention_backward", h, mask.name), [&](const Side& s) {
        const Side truth = s.of_truth();
        const std::pair key(s.source, s.draw);
        if (!of_truth.count(key))
            of_truth.emplace(key, attention_forward(truth, h, mask, qkv_of(truth, h), usual_scale(h)));
        const SavedAttention& saved = of_truth.at(key);
        const SavedAttention given = {s.saved(saved.y), s.saved_statistic(saved.lse)};
        return outputs(attention_backward(s, h, mask, s.in(2, given.y.shape), qkv_of(s, h), given, usual_scale(h)));
    });
}

}  // namespace gradus::test
