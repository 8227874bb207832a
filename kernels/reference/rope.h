#pragma once
// The formulas of kernels/rope.h.
#include "kernels/reference/scalar.h"
#include "kernels/rope.h"

namespace gradus::reference {

// Forward rotates by (c, s), backward by (c, −s).
template <class Scalar>
void turn(const Rope& a, Scalar direction) {
    const int64_t N = a.x.rows(), W = a.x.last(), P = a.rope_table.shape.dim[0], R = a.rope_table.shape.dim[1];
    for (int64_t n = 0; n < N; ++n) {
        const int64_t p = index("position", a.positions.as<int32_t>()[n], P);
        for (int64_t h = 0; h < a.heads; ++h) {
            Scalar* x = a.x.as<Scalar>() + n * W + h * a.D;
            for (int64_t i = 0; i < R; ++i) {
                const Scalar c = a.rope_table.as<Scalar>()[(p * R + i) * 2];
                const Scalar s = a.rope_table.as<Scalar>()[(p * R + i) * 2 + 1] * direction;
                const int64_t first = a.layout == RopeLayout::half_split ? i : 2 * i;
                const int64_t second = a.layout == RopeLayout::half_split ? i + R : 2 * i + 1;
                const Scalar u = x[first], v = x[second];
                x[first] = u * c - v * s;
                x[second] = v * c + u * s;
            }
        }
    }
}

template <class Scalar>
void rope_forward(const Rope& a) {
    turn(a, Scalar(1));
}

template <class Scalar>
void rope_backward(const Rope& a) {
    turn(a, Scalar(-1));
}

}  // namespace gradus::reference
