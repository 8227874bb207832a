#pragma once
// The formulas of kernels/linear.h.
#include "kernels/linear.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

template <class Scalar>
void linear_forward(const LinearForward& a) {
    const int64_t N = a.x.rows(), I = a.x.last(), O = a.y.last();
    const Scalar *x = a.x.as<Scalar>(), *w = a.w.as<Scalar>(), *b = a.b.as<Scalar>();
    Scalar* y = a.y.as<Scalar>();
    for (int64_t n = 0; n < N; ++n)
        for (int64_t o = 0; o < O; ++o) {
            Scalar sum = 0;
            for (int64_t i = 0; i < I; ++i) sum += x[n * I + i] * w[o * I + i];
            y[n * a.y.stride() + o] = sum + (b ? b[o] : Scalar(0));
        }
}

template <class Scalar>
void linear_backward_input(const LinearBackwardInput& a) {
    const int64_t N = a.d_x.rows(), I = a.d_x.last(), O = a.d_y.last();
    const Scalar *d_y = a.d_y.as<Scalar>(), *w = a.w.as<Scalar>();
    Scalar* d_x = a.d_x.as<Scalar>();
    for (int64_t n = 0; n < N; ++n)
        for (int64_t i = 0; i < I; ++i) {
            Scalar sum = 0;
            for (int64_t o = 0; o < O; ++o) sum += d_y[n * a.d_y.stride() + o] * w[o * I + i];
            d_x[n * I + i] = sum;
        }
}

template <class Scalar>
void linear_backward_weight(const LinearBackwardWeight& a) {
    const int64_t N = a.x.rows(), I = a.x.last(), O = a.d_y.last();
    const Scalar *d_y = a.d_y.as<Scalar>(), *x = a.x.as<Scalar>();
    Scalar *d_w = a.d_w.as<Scalar>(), *d_b = a.d_b.as<Scalar>();
    for (int64_t o = 0; o < O; ++o) {
        for (int64_t i = 0; i < I; ++i) {
            Scalar sum = 0;
            for (int64_t n = 0; n < N; ++n) sum += d_y[n * a.d_y.stride() + o] * x[n * I + i];
            d_w[o * I + i] = a.overwrite ? sum : d_w[o * I + i] + sum;
        }
        if (!d_b) continue;
        Scalar sum = 0;
        for (int64_t n = 0; n < N; ++n) sum += d_y[n * a.d_y.stride() + o];
        d_b[o] += sum;
    }
}

}  // namespace gradus::reference
