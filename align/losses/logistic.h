#pragma once
// The logistic function and its relatives, without overflow and without loss of small values, for double and for
// complex<double>. Branches decide on the real part, so that a complex step through them gives the derivative.
//
//   sigmoid(x)     = 1 / (1 + e^−x)
//   softplus(x)    = log(1 + e^x)            derivative sigmoid(x)
//   log_sigmoid(x) = −softplus(−x)           derivative sigmoid(−x)
//   log1m_exp(x)   = log(1 − e^x), x < 0     derivative −1 / (e^−x − 1)
#include <cmath>
#include <complex>

#include "kernels/scalar.h"

namespace gradus {

inline double log1p_of(double x) { return std::log1p(x); }
inline c128 log1p_of(const c128& z) {
    const double a = z.real(), b = z.imag();
    return {0.5 * std::log1p(a * (2 + a) + b * b), std::atan2(b, 1 + a)};
}

inline double expm1_of(double x) { return std::expm1(x); }
inline c128 expm1_of(const c128& z) {
    const double a = z.real(), b = z.imag(), half = std::sin(b / 2);
    return {std::expm1(a) * std::cos(b) - 2 * half * half, std::exp(a) * std::sin(b)};
}

template <class Scalar>
Scalar sigmoid(const Scalar& x) {
    if (real_of(x) >= 0) return 1.0 / (1.0 + std::exp(-x));
    const Scalar e = std::exp(x);
    return e / (1.0 + e);
}

template <class Scalar>
Scalar softplus(const Scalar& x) {
    return real_of(x) > 0 ? x + log1p_of(std::exp(-x)) : log1p_of(std::exp(x));
}

template <class Scalar>
Scalar log_sigmoid(const Scalar& x) {
    return -softplus(-x);
}

template <class Scalar>
Scalar log1m_exp(const Scalar& x) {
    return real_of(x) > -0.6931471805599453 ? std::log(-expm1_of(x)) : log1p_of(-std::exp(x));
}

// x within [low, high]; outside it a constant, whose derivative is 0.
template <class Scalar>
Scalar clamped(const Scalar& x, double low, double high) {
    return real_of(x) < low ? Scalar(low) : real_of(x) > high ? Scalar(high) : x;
}

template <class Scalar>
Scalar smaller(const Scalar& a, const Scalar& b) {
    return real_of(b) < real_of(a) ? b : a;
}

template <class Scalar>
Scalar larger(const Scalar& a, const Scalar& b) {
    return real_of(a) < real_of(b) ? b : a;
}

}  // namespace gradus
