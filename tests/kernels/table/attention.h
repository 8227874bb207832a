#pragma once
// Calls of attention for the tests of a backend, and its comparison for one shape and one mask.
#include <map>

#include "kernels/attention.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/naive_attention.h"
#include "tests/kernels/table/shapes.h"

namespace gradus::test {

struct SavedAttention {
    Owned y, lse;
};

inline Owned qkv_of(const Side& s, const Heads& h, double spread = 1) {
    return s.in(1, {int64_t(h.B) * h.T, (h.H + 2 * h.G) * h.D}, spread);
}

inline double usual_scale(const Heads& h) { return 1 / std::sqrt(double(h.D)); }

// q, k and v are any tensors or views; Tk keys per sequence.
inline SavedAttention attention_forward(const Side& s, const Heads& h, int Tk, const Mask& mask, const PackedHeads& in,
                                        double scale, const AttentionScore& score = {}) {
    SavedAttention saved = {s.out({int64_t(h.B) * h.T, h.H * h.D}), s.statistic({h.B, h.H, h.T})};
    const AttentionForward args = {.y = saved.y,
                                   .lse = saved.lse,
                                   .q = in.q,
                                   .k = in.k,
                                   .v = in.v,
                                   .lo = mask.lo,
                                   .hi = mask.hi,
                                   .B = h.B,
                                   .Tq = h.T,
                                   .Tk = Tk,
                                   .H = h.H,
                                   .G = h.G,
                                   .D = h.D,
                                   .scale = scale,
                                   .score = score};
    if (s.naive_of_bf16()) naive_attention_forward(args);
    else s.ops.attention_forward(args, {});
    return saved;
}

inline SavedAttention attention_forward(const Side& s, const Heads& h, const Mask& mask, const Tensor& qkv,
                                        double scale, const AttentionScore& score = {}) {
    return attention_forward(s, h, h.T, mask, packed_heads(qkv, h.H, h.G, h.D), scale, score);
}

inline void attention_backward(const Side& s, const Heads& h, int Tk, const Mask& mask, const PackedHeads& d_in,
                               const Tensor& d_y, const PackedHeads& in, const SavedAttention& saved, double scale,
                               const AttentionScore& score = {}, const Tensor& d_bias = {}) {
    const Owned delta = s.statistic(saved.lse.shape);
    const AttentionBackward args = {.d_q = d_in.q,
                                    .d_k = d_in.k,
                                    .d_v = d_in.v,
                                    .delta = delta,
                                    .d_bias = d_bias,
                                    .d_y = d_y,
                                    .q = in.q,
                                    .k = in.k,
                                    .v = in.v,
                                    .y = saved.y,
                                    .lse = saved.lse,
                                    .lo = mask.lo,
                                    .hi = mask.hi,
                                    .B = h.B,
                                    .Tq = h.T,
                                    .Tk = Tk,
                                    .H = h.H,
                                    .G = h.G,
                                    .D = h.D,
                                    .scale = scale,
                                    .score = score};
    if (s.naive_of_bf16()) naive_attention_backward(args);
    else s.ops.attention_backward(args, {});
}

inline Owned attention_backward(const Side& s, const Heads& h, const Mask& mask, const Tensor& d_y, const Tensor& qkv,
                                const SavedAttention& saved, double scale, const AttentionScore& score = {},
                                const Tensor& d_bias = {}) {
    Owned d_qkv = s.out(qkv.shape);
    attention_backward(s, h, h.T, mask, packed_heads(d_qkv, h.H, h.G, h.D), d_y, packed_heads(qkv, h.H, h.G, h.D),
                       saved, scale, score, d_bias);
    return d_qkv;
}

inline void compare_attention_forward(const Heads& h, const Mask& mask) {
    compare(named("attention_forward", h, mask.name), [&](const Side& s) {
        SavedAttention saved = attention_forward(s, h, mask, qkv_of(s, h), usual_scale(h));
        return outputs(std::move(saved.y), std::move(saved.lse));
    });
}

// Backward receives what the forward of the reference saved, rounded.
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
