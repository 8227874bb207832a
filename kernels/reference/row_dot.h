#pragma once
// The formulas of kernels/row_dot.h.
#include "kernels/reference/scalar.h"
#include "kernels/row_dot.h"

namespace gradus::reference {

template <class Scalar>
void row_dot_forward(const RowDotForward& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar *x = a.x.as<Scalar>(), *w = a.w.as<Scalar>();
    for (int64_t n = 0; n < N; ++n) {
        Scalar sum = 0;
        for (int64_t c = 0; c < C; ++c) sum += x[n * C + c] * w[c];
        a.y.as<Scalar>()[n] = sum;
    }
}

template <class Scalar>
void row_dot_backward(const RowDotBackward& a) {
    const int64_t N = a.x.rows(), C = a.x.last();
    const Scalar *d_y = a.d_y.as<Scalar>(), *x = a.x.as<Scalar>(), *w = a.w.as<Scalar>();
    for (int64_t c = 0; c < C; ++c) {
        Scalar sum = 0;
        for (int64_t n = 0; n < N; ++n) {
            sum += d_y[n] * x[n * C + c];
            a.d_x.as<Scalar>()[n * C + c] = d_y[n] * w[c];
        }
        a.d_w.as<Scalar>()[c] += sum;
    }
}

}  // namespace gradus::reference
