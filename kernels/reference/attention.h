#pragma once
// The formulas of kernels/attention.h: one query row at a time, the scores of its keys in full.
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

// One query against the keys and values of [lo, hi), which key(u) and value(u) point to. Writes y [D], returns lse.
template <class Scalar, class Key, class Value>
Scalar attend(Scalar* y, const Scalar* q, int64_t lo, int64_t hi, int64_t D, Scalar scale, Key key, Value value) {
    std::fill(y, y + D, Scalar(0));
    if (lo >= hi) return Scalar(-std::numeric_limits<double>::infinity());

    std::vector<Scalar> s;
    for (int64_t u = lo; u < hi; ++u) s.push_back(scale * dot(q, key(u), D));

    // log Σ exp(s), with the largest score taken out so that no exponential overflows
    auto top = real_of(s[0]);
    for (const Scalar& score : s) top = std::max(top, real_of(score));
    Scalar sum = 0;
    for (const Scalar& score : s) sum += std::exp(score - Scalar(top));
    const Scalar lse = Scalar(top) + std::log(sum);

    for (int64_t u = lo; u < hi; ++u) {
        const Scalar p = std::exp(s[size_t(u - lo)] - lse);
        for (int64_t d = 0; d < D; ++d) y[d] += p * value(u)[d];
    }
    return lse;
}

// Where heads lie in a row of qkv.
struct QkvRow {
    int64_t H, G, D;

    int64_t width() const { return (H + 2 * G) * D; }
    int64_t group(int64_t h) const { return h * G / H; }
    int64_t query(int64_t n, int64_t h) const { return n * width() + h * D; }
    int64_t key(int64_t n, int64_t g) const { return n * width() + (H + g) * D; }
    int64_t value(int64_t n, int64_t g) const { return n * width() + (H + G + g) * D; }
};

struct Interval {
    int64_t lo, hi;
};

// [lo, hi) of query t of sequence b, with the promises that are made about it.
inline Interval interval_of(const In& lo, const In& hi, int64_t b, int64_t t, int64_t T) {
    const int32_t *first = lo.as<int32_t>() + b * T, *end = hi.as<int32_t>() + b * T;
    CHECK(0 <= first[t] && end[t] <= T, "a key interval leaves its sequence at query " + std::to_string(t));
    CHECK(t == 0 || (first[t - 1] <= first[t] && end[t - 1] <= end[t]),
          "the key intervals decrease at query " + std::to_string(t));
    return {first[t], end[t]};
}

template <class Scalar>
void attention_forward(const AttentionForward& a) {
    const QkvRow row{a.H, a.G, a.D};
    const Scalar* qkv = a.qkv.as<Scalar>();
    for (int64_t b = 0; b < a.B; ++b)
        for (int64_t h = 0; h < a.H; ++h)
            for (int64_t t = 0; t < a.T; ++t) {
                const int64_t g = row.group(h), n = b * a.T + t;
                const auto [lo, hi] = interval_of(a.lo, a.hi, b, t, a.T);
                a.lse.as<Scalar>()[(b * a.H + h) * a.T + t] = attend(
                    a.y.as<Scalar>() + (n * a.H + h) * a.D, qkv + row.query(n, h), lo, hi, a.D, Scalar(a.scale),
                    [&](int64_t u) { return qkv + row.key(b * a.T + u, g); },
                    [&](int64_t u) { return qkv + row.value(b * a.T + u, g); });
            }
}

template <class Scalar>
void attention_backward(const AttentionBackward& a) {
    const QkvRow row{a.H, a.G, a.D};
    const Scalar* qkv = a.qkv.as<Scalar>();
    Scalar* d_qkv = a.d_qkv.as<Scalar>();
    std::fill(d_qkv, d_qkv + a.d_qkv.size(), Scalar(0));
    for (int64_t b = 0; b < a.B; ++b)
        for (int64_t h = 0; h < a.H; ++h)
            for (int64_t t = 0; t < a.T; ++t) {
                const int64_t g = row.group(h), n = b * a.T + t;
                const auto [lo, hi] = interval_of(a.lo, a.hi, b, t, a.T);
                const Scalar *y = a.y.as<Scalar>() + (n * a.H + h) * a.D,
                             *d_y = a.d_y.as<Scalar>() + (n * a.H + h) * a.D;
                const Scalar *q = qkv + row.query(n, h), lse = a.lse.as<Scalar>()[(b * a.H + h) * a.T + t];
                const Scalar delta = a.delta.as<Scalar>()[(b * a.H + h) * a.T + t] = dot(d_y, y, a.D);
                for (int64_t u = lo; u < hi; ++u) {
                    const int64_t m = b * a.T + u;
                    const Scalar *k = qkv + row.key(m, g), *v = qkv + row.value(m, g);
                    const Scalar p = std::exp(Scalar(a.scale) * dot(q, k, a.D) - lse);
                    const Scalar d_s = p * (dot(d_y, v, a.D) - delta) * Scalar(a.scale);
                    for (int64_t d = 0; d < a.D; ++d) {
                        d_qkv[row.value(m, g) + d] += p * d_y[d];
                        d_qkv[row.query(n, h) + d] += d_s * k[d];
                        d_qkv[row.key(m, g) + d] += d_s * q[d];
                    }
                }
            }
}

template <class Scalar>
void attention_cached(const AttentionCached& a) {
    const QkvRow row{a.H, a.G, a.D};
    const int64_t N = a.qkv.rows(), S = a.k_cache.shape.dim[0], P = a.k_cache.shape.dim[2];
    const Scalar* qkv = a.qkv.as<Scalar>();
    Scalar *k_cache = a.k_cache.as<Scalar>(), *v_cache = a.v_cache.as<Scalar>();
    auto sequence = [&](int64_t n) { return index("sequence", a.sequence.as<int32_t>()[n], S); };
    auto position = [&](int64_t n) { return index("position", a.position.as<int32_t>()[n], P); };
    auto slot = [&](int64_t n, int64_t g, int64_t u) { return ((sequence(n) * a.G + g) * P + u) * a.D; };

    for (int64_t n = 0; n < N; ++n)
        for (int64_t g = 0; g < a.G; ++g) {
            std::copy_n(qkv + row.key(n, g), a.D, k_cache + slot(n, g, position(n)));
            std::copy_n(qkv + row.value(n, g), a.D, v_cache + slot(n, g, position(n)));
        }
    for (int64_t n = 0; n < N; ++n)
        for (int64_t h = 0; h < a.H; ++h) {
            const int64_t g = row.group(h), lo = a.lo.as<int32_t>()[n];
            CHECK(lo >= 0, "lo " + std::to_string(lo) + " is below 0");
            attend(
                a.y.as<Scalar>() + (n * a.H + h) * a.D, qkv + row.query(n, h), lo, position(n) + 1, a.D,
                Scalar(a.scale), [&](int64_t u) { return k_cache + slot(n, g, u); },
                [&](int64_t u) { return v_cache + slot(n, g, u); });
        }
}

}  // namespace gradus::reference
