#pragma once
// The formulas of kernels/elementwise.h.
#include "kernels/elementwise.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

template <class Scalar>
void add(const Add& a) {
    for (int64_t i = 0; i < a.y.size(); ++i) a.y.as<Scalar>()[i] = a.a.as<Scalar>()[i] + a.b.as<Scalar>()[i];
}

// The nearest bf16 of a double, ties to even. The intermediate float is rounded to odd (towards zero, with the last bit set if
// inexact), which avoids double rounding.
inline bf16 rounded(double x) {
    float f = float(x);
    if (std::isfinite(f) && double(f) != x) {
        uint32_t bits = std::bit_cast<uint32_t>(f);
        if (std::abs(double(f)) > std::abs(x)) --bits;
        f = std::bit_cast<float>(bits | 1u);
    }
    return bf16(f);
}

inline double load(const In& x, int64_t i) {
    switch (x.dtype) {
        case DType::f32: return double(x.as<float>()[i]);
        case DType::bf16: return double(float(x.as<bf16>()[i]));
        default: return x.as<double>()[i];
    }
}

inline void cast(const Cast& a, Stream) {
    for (int64_t i = 0; i < a.y.size(); ++i) {
        const double x = load(a.x, i);
        switch (a.y.dtype) {
            case DType::f32: a.y.as<float>()[i] = float(x); break;
            case DType::bf16: a.y.as<bf16>()[i] = rounded(x); break;
            default: a.y.as<double>()[i] = x;
        }
    }
}

}  // namespace gradus::reference
