#pragma once
// The formulas of kernels/attention.h: one query row at a time, with the scores of all its keys.
#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/attention.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

template <class Scalar>
Scalar dot(const Scalar* a, const Scalar* b, int64_t n) {
    Scalar sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

// One query against the keys key(u) and values value(u), u in [lo, hi). Writes y [D], returns lse.
template <class Scalar, class Score, class Key, class Value>
Scalar attend(Scalar* y, const Scalar* q, int64_t lo, int64_t hi, int64_t D, Scalar scale,
              const QueryScore<Score>& score, Key key, Value value) {
    std::fill(y, y + D, Scalar(0));
    if (lo >= hi) return Scalar(-std::numeric_limits<double>::infinity());

    std::vector<Scalar> s;
    for (int64_t u = lo; u < hi; ++u) s.push_back(score(scale * dot(q, key(u), D), u));

    // log Σ exp(s), relative to the largest score so that exp does not overflow
    auto max = real_of(s[0]);
    for (const Scalar& x : s) max = std::max(max, real_of(x));
    Scalar sum = 0;
    for (const Scalar& x : s) sum += std::exp(x - Scalar(max));
    const Scalar lse = Scalar(max) + std::log(sum);

    for (int64_t u = lo; u < hi; ++u) {
        const Scalar p = std::exp(s[size_t(u - lo)] - lse);
        for (int64_t d = 0; d < D; ++d) y[d] += p * value(u)[d];
    }
    return lse;
}

struct Interval {
    int64_t lo, hi;
};

// [lo, hi) of query t of sequence b, checked.
inline Interval interval_of(const In& lo, const In& hi, int64_t b, int64_t t, int64_t Tq, int64_t Tk) {
    const int32_t *first = lo.as<int32_t>() + b * Tq, *end = hi.as<int32_t>() + b * Tq;
    CHECK(0 <= first[t] && end[t] <= Tk, "a key interval leaves its sequence at query " + std::to_string(t));
    CHECK(t == 0 || (first[t - 1] <= first[t] && end[t - 1] <= end[t]),
          "the key intervals decrease at query " + std::to_string(t));
    return {first[t], end[t]};
}

template <class Scalar, class Score>
void attention_forward(const AttentionForward& a, const Score& score) {
    const auto q = heads_of<const Scalar>(a.q, a.Tq, a.D), k = heads_of<const Scalar>(a.k, a.Tk, a.D),
               v = heads_of<const Scalar>(a.v, a.Tk, a.D);
    const auto y = heads_of<Scalar>(a.y, a.Tq, a.D);
    for (int64_t b = 0; b < a.B; ++b)
        for (int64_t h = 0; h < a.H; ++h)
            for (int64_t t = 0; t < a.Tq; ++t) {
                const int64_t g = h * a.G / a.H;
                const auto [lo, hi] = interval_of(a.lo, a.hi, b, t, a.Tq, a.Tk);
                a.lse.as<Scalar>()[(b * a.H + h) * a.Tq + t] = attend(
                    y.at(b, t, h), q.at(b, t, h), lo, hi, a.D, Scalar(a.scale), QueryScore<Score>{score, b, h, t},
                    [&](int64_t u) { return k.at(b, u, g); }, [&](int64_t u) { return v.at(b, u, g); });
            }
}

template <class Scalar>
void zero_rows(const Tensor& t) {
    for (int64_t n = 0; n < t.rows(); ++n) std::fill_n(t.as<Scalar>() + n * t.stride(), t.last(), Scalar(0));
}

template <class Scalar, class Score>
void attention_backward(const AttentionBackward& a, const Score& score_function) {
    const auto q = heads_of<const Scalar>(a.q, a.Tq, a.D), k = heads_of<const Scalar>(a.k, a.Tk, a.D),
               v = heads_of<const Scalar>(a.v, a.Tk, a.D), y = heads_of<const Scalar>(a.y, a.Tq, a.D),
               d_y = heads_of<const Scalar>(a.d_y, a.Tq, a.D);
    const auto d_q = heads_of<Scalar>(a.d_q, a.Tq, a.D), d_k = heads_of<Scalar>(a.d_k, a.Tk, a.D),
               d_v = heads_of<Scalar>(a.d_v, a.Tk, a.D);
    Scalar* const d_bias = a.d_bias.as<Scalar>();
    const auto reach = int32_t(a.d_bias ? a.d_bias.last() / 2 : 0);
    for (const Tensor& t : {a.d_q, a.d_k, a.d_v}) zero_rows<Scalar>(t);
    for (int64_t b = 0; b < a.B; ++b)
        for (int64_t h = 0; h < a.H; ++h)
            for (int64_t t = 0; t < a.Tq; ++t) {
                const int64_t g = h * a.G / a.H, query = (b * a.H + h) * a.Tq + t;
                const QueryScore<Score> score = {score_function, b, h, t};
                const auto [lo, hi] = interval_of(a.lo, a.hi, b, t, a.Tq, a.Tk);
                const Scalar *q_t = q.at(b, t, h), *d_y_t = d_y.at(b, t, h), lse = a.lse.as<Scalar>()[query];
                const Scalar delta = a.delta.as<Scalar>()[query] = dot(d_y_t, y.at(b, t, h), a.D);
                for (int64_t u = lo; u < hi; ++u) {
                    const Scalar *k_u = k.at(b, u, g), *v_u = v.at(b, u, g);
                    const Scalar s = Scalar(a.scale) * dot(q_t, k_u, a.D), p = std::exp(score(s, u) - lse);
                    const Scalar d_score = p * (dot(d_y_t, v_u, a.D) - delta),
                                 d_s = score.backward(d_score, s, u) * Scalar(a.scale);
                    if (a.d_bias)
                        d_bias[h * (2 * reach + 1) + reach + nearest_distance(int32_t(u - t), reach)] += d_score;
                    for (int64_t d = 0; d < a.D; ++d) {
                        d_v.at(b, u, g)[d] += p * d_y_t[d];
                        d_q.at(b, t, h)[d] += d_s * k_u[d];
                        d_k.at(b, u, g)[d] += d_s * q_t[d];
                    }
                }
            }
}

template <class Scalar, class Score>
void attention_cached(const AttentionCached& a, const Score& score) {
    const int64_t N = a.q.rows(), S = a.k_cache.shape.dim[0], P = a.k_cache.shape.dim[2];
    const auto q = heads_of<const Scalar>(a.q, N, a.D), k = heads_of<const Scalar>(a.k, N, a.D),
               v = heads_of<const Scalar>(a.v, N, a.D);
    Scalar *k_cache = a.k_cache.as<Scalar>(), *v_cache = a.v_cache.as<Scalar>();
    auto sequence = [&](int64_t n) { return index("sequence", a.sequence.as<int32_t>()[n], S); };
    auto position = [&](int64_t n) { return index("position", a.position.as<int32_t>()[n], P); };
    auto slot = [&](int64_t n, int64_t g, int64_t u) { return ((sequence(n) * a.G + g) * P + u) * a.D; };

    for (int64_t n = 0; n < N; ++n)
        for (int64_t g = 0; g < a.G; ++g) {
            std::copy_n(k.at(0, n, g), a.D, k_cache + slot(n, g, position(n)));
            std::copy_n(v.at(0, n, g), a.D, v_cache + slot(n, g, position(n)));
        }
    for (int64_t n = 0; n < N; ++n)
        for (int64_t h = 0; h < a.H; ++h) {
            const int64_t g = h * a.G / a.H, lo = a.lo.as<int32_t>()[n];
            CHECK(lo >= 0, "lo " + std::to_string(lo) + " is below 0");
            attend(
                a.y.as<Scalar>() + (n * a.H + h) * a.D, q.at(0, n, h), lo, position(n) + 1, a.D, Scalar(a.scale),
                QueryScore<Score>{score, sequence(n), h, position(n)},
                [&](int64_t u) { return k_cache + slot(n, g, u); }, [&](int64_t u) { return v_cache + slot(n, g, u); });
        }
}

}  // namespace gradus::reference
