#pragma once
// The formulas of kernels/qk_norm_rope.h.
#include <vector>

#include "kernels/qk_norm_rope.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

// Rotates a head by (c, direction·s) of its position.
template <class Scalar>
void rotate_head(Scalar* x, const Scalar* pairs, int64_t R, RopeLayout layout, Scalar direction) {
    for (int64_t i = 0; i < R; ++i) {
        const Scalar c = pairs[2 * i], s = pairs[2 * i + 1] * direction;
        Scalar& u = x[layout == RopeLayout::half_split ? i : 2 * i];
        Scalar& v = x[layout == RopeLayout::half_split ? i + R : 2 * i + 1];
        const Scalar first = u * c - v * s;
        v = v * c + u * s;
        u = first;
    }
}

// Calls visit(n, h, row of rope_table) for all heads of all rows.
template <class Scalar, class Visit>
void each_head(const Tensor& heads, int64_t D, const Tensor& positions, const Tensor& rope_table, Visit&& visit) {
    const int64_t P = rope_table.shape.dim[0], R = rope_table.shape.dim[1];
    for (int64_t n = 0; n < heads.rows(); ++n) {
        const int64_t p = index("position", positions.as<int32_t>()[n], P);
        for (int64_t h = 0; h < heads.last() / D; ++h) visit(n, h, rope_table.as<Scalar>() + p * R * 2);
    }
}

template <class Scalar>
void qk_norm_rope_forward(const QkNormRopeForward& a) {
    const int64_t D = a.q_gain.last(), R = a.rope_table.shape.dim[1];
    const auto of = [&](const Tensor& y, const Tensor& rstds, const Tensor& heads, const Tensor& gain) {
        std::vector<Scalar> normed(static_cast<size_t>(D));
        each_head<Scalar>(heads, D, a.positions, a.rope_table, [&](int64_t n, int64_t h, const Scalar* pairs) {
            const Scalar* x = heads.as<Scalar>() + n * heads.stride() + h * D;
            Scalar mean_square = 0;
            for (int64_t d = 0; d < D; ++d) mean_square += x[d] * x[d];
            mean_square /= Scalar(D);

            const Scalar rstd = Scalar(1) / std::sqrt(mean_square + Scalar(a.eps));
            for (int64_t d = 0; d < D; ++d) normed[size_t(d)] = gain.as<Scalar>()[d] * (x[d] * rstd);
            rotate_head(normed.data(), pairs, R, a.layout, Scalar(1));
            std::copy(normed.begin(), normed.end(), y.as<Scalar>() + n * y.stride() + h * D);
            rstds.as<Scalar>()[n * rstds.last() + h] = rstd;
        });
    };
    of(a.y_q, a.q_rstd, a.q, a.q_gain);
    of(a.y_k, a.k_rstd, a.k, a.k_gain);
}

template <class Scalar>
void qk_norm_rope_backward(const QkNormRopeBackward& a) {
    const int64_t D = a.q_gain.last(), R = a.rope_table.shape.dim[1];
    const auto of = [&](const Tensor& d_x, const Tensor& d_gain, const Tensor& d_y, const Tensor& heads,
                        const Tensor& gain, const Tensor& rstds) {
        std::vector<Scalar> u(static_cast<size_t>(D));
        each_head<Scalar>(heads, D, a.positions, a.rope_table, [&](int64_t n, int64_t h, const Scalar* pairs) {
            const Scalar* x = heads.as<Scalar>() + n * heads.stride() + h * D;
            const Scalar* d = d_y.as<Scalar>() + n * d_y.stride() + h * D;
            const Scalar rstd = rstds.as<Scalar>()[n * rstds.last() + h];
            std::copy(d, d + D, u.begin());
            rotate_head(u.data(), pairs, R, a.layout, Scalar(-1));

            Scalar mean_g_x_hat = 0;
            for (int64_t c = 0; c < D; ++c) {
                const Scalar x_hat = x[c] * rstd, g = gain.as<Scalar>()[c] * u[size_t(c)];
                d_gain.as<Scalar>()[c] += u[size_t(c)] * x_hat;
                mean_g_x_hat += g * x_hat;
            }
            mean_g_x_hat /= Scalar(D);

            for (int64_t c = 0; c < D; ++c) {
                const Scalar x_hat = x[c] * rstd, g = gain.as<Scalar>()[c] * u[size_t(c)];
                d_x.as<Scalar>()[n * d_x.stride() + h * D + c] = rstd * (g - x_hat * mean_g_x_hat);
            }
        });
    };
    of(a.d_q, a.d_q_gain, a.d_y_q, a.q, a.q_gain, a.q_rstd);
    of(a.d_k, a.d_k_gain, a.d_y_k, a.k, a.k_gain, a.k_rstd);
}

}  // namespace gradus::reference
