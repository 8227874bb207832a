#pragma once
// The naive side of attention where the dtype under test is bf16: the formulas of kernels/attention.h in f32, but what tensor cores
// multiply is rounded to bf16 first, as q, k, v and d_y are: p, and d_s before the scale.
#include <cmath>

#include "kernels/attention.h"
#include "kernels/scalar.h"

namespace gradus::test {

namespace naive_attention {

inline float rounded(float x) { return float(bf16(x)); }

inline float dot(const float* a, const float* b, int64_t n) {
    float sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

// Calls pair(b, h, t, g, u, s, of_query) for all pairs that count.
template <class Args, class Pair>
void for_pairs(const Args& a, Pair pair) {
    const auto q = heads_of<const float>(a.q, a.Tq, a.D), k = heads_of<const float>(a.k, a.Tk, a.D);
    by_score(a.score, [&](auto score) {
        for (int64_t b = 0; b < a.B; ++b)
            for (int64_t h = 0; h < a.H; ++h)
                for (int64_t t = 0; t < a.Tq; ++t)
                    for (int64_t u = a.lo.template as<int32_t>()[b * a.Tq + t];
                         u < a.hi.template as<int32_t>()[b * a.Tq + t]; ++u) {
                        const int64_t g = h * a.G / a.H;
                        const QueryScore<decltype(score)> of_query = {score, b, h, t};
                        pair(b, h, t, g, u, float(a.scale) * dot(q.at(b, t, h), k.at(b, u, g), a.D), of_query);
                    }
    });
}

}  // namespace naive_attention

inline void naive_attention_forward(const AttentionForward& a) {
    using namespace naive_attention;
    reference_ops().attention_forward(a, {});  // lse
    std::fill_n(a.y.as<float>(), a.y.size(), 0.f);
    const auto y = heads_of<float>(a.y, a.Tq, a.D);
    const auto v = heads_of<const float>(a.v, a.Tk, a.D);
    for_pairs(a, [&](int64_t b, int64_t h, int64_t t, int64_t g, int64_t u, float s, const auto& of_query) {
        const float p = rounded(std::exp(of_query(s, u) - a.lse.as<float>()[(b * a.H + h) * a.Tq + t]));
        for (int64_t d = 0; d < a.D; ++d) y.at(b, t, h)[d] += p * v.at(b, u, g)[d];
    });
}

inline void naive_attention_backward(const AttentionBackward& a) {
    using namespace naive_attention;
    reference_ops().attention_backward(a, {});  // delta, and what does not pass tensor cores
    const auto q = heads_of<const float>(a.q, a.Tq, a.D), k = heads_of<const float>(a.k, a.Tk, a.D),
               v = heads_of<const float>(a.v, a.Tk, a.D), d_y = heads_of<const float>(a.d_y, a.Tq, a.D);
    const auto d_q = heads_of<float>(a.d_q, a.Tq, a.D), d_k = heads_of<float>(a.d_k, a.Tk, a.D),
               d_v = heads_of<float>(a.d_v, a.Tk, a.D);
    for (const Tensor& t : {Tensor(a.d_q), Tensor(a.d_k), Tensor(a.d_v)})
        for (int64_t n = 0; n < t.rows(); ++n) std::fill_n(t.as<float>() + n * t.stride(), t.last(), 0.f);
    for_pairs(a, [&](int64_t b, int64_t h, int64_t t, int64_t g, int64_t u, float s, const auto& of_query) {
        const int64_t query = (b * a.H + h) * a.Tq + t;
        const float p = std::exp(of_query(s, u) - a.lse.as<float>()[query]);
        const float d_p = dot(d_y.at(b, t, h), v.at(b, u, g), a.D);
        const float d_s = rounded(of_query.backward(p * (d_p - a.delta.as<float>()[query]), s, u)) * float(a.scale);
        for (int64_t d = 0; d < a.D; ++d) {
            d_v.at(b, u, g)[d] += rounded(p) * d_y.at(b, t, h)[d];
            d_q.at(b, t, h)[d] += d_s * k.at(b, u, g)[d];
            d_k.at(b, u, g)[d] += d_s * q.at(b, t, h)[d];
        }
    });
}

}  // namespace gradus::test
