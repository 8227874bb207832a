#pragma once
// exp, the logistic function and the normal distribution of a register of floats.
//
//   exponential(x)   e^x to within 1.1 units in the last place (tests/kernels/test_cpu_math.cpp); results below 2·10⁻³⁸
//                    are 0, above the largest float infinity, NaN stays NaN
//   sigmoid(x)       1 / (1 + e^−x), to within 2.5 units in the last place; below −86.9 constant at 2·10⁻³⁸
//   hyperbolic_tangent(x)   to within 2.5 units in the last place
//   normal(x)        Φ(x) = ½·(1 + erf(x/√2)) and its derivative exp(−x²/2)/√(2π), to within 4.5 + x²/2 units in the last
//                    place, Φ(x > 0) within 2.5; exactly 0 if exp(−x²/2) is
#include <bit>

#include "kernels/cpu/vector.h"

namespace gradus::cpu {

// For −86.9 ≤ x ≤ 88.8. e^x = 2^n · e^r with n the nearest integer to x/ln 2 and |r| ≤ ½·ln 2. The polynomial is the minimax
// polynomial of degree six on that interval (relative error 1.9·10⁻⁹), doubled, so that 2^(n−1) is a float for every n.
inline __attribute__((always_inline)) Floats exponential_in_range(Floats x) {
    const float to_integer = 12582912.0f;  // 1.5·2²³: adding it rounds to an integer
    const Floats shifted = x * 1.44269504f + to_integer;
    const Floats n = shifted - to_integer;
    const Floats r = (x - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts; n times the first is exact
    Floats p = r * 0.002767367296f + 0.01674966434f;
    p = p * r + 0.08333645322f;
    p = p * r + 0.3333283995f;
    p = p * r + 0.9999998414f;
    p = p * r + 2.0f;
    p = p * r + 2.0f;
    const Words power = ((Words)shifted - std::bit_cast<uint32_t>(to_integer) + 126u) << 23;
    return p * (Floats)power;
}

inline __attribute__((always_inline)) Floats exponential(Floats x) {
    return choose(x < -86.9f, Floats{}, exponential_in_range(smaller(x, splat(88.8f))));
}

// value = 1 / (1 + e^−x), and rest = 1 − value without cancellation.
struct Sigmoid {
    Floats value, rest;
};
inline __attribute__((always_inline)) Sigmoid sigmoid(Floats x) {
    const Floats e = exponential_in_range(larger(smaller(-x, splat(86.9f)), splat(-86.9f))), value = 1.0f / (1.0f + e);
    return {value, e * value};
}

// x + x³·Q(x²) near 0, with Q the minimax polynomial of degree four on [0, 0.625] (relative error 4.4·10⁻⁹); beyond, from e^−2|x|.
inline __attribute__((always_inline)) Floats hyperbolic_tangent(Floats x) {
    const Floats a = choose(x < 0.0f, -x, x), z = x * x;
    Floats q = z * -0.005704933961f + 0.02063904187f;
    q = q * z - 0.05373970187f;
    q = q * z + 0.1333144205f;
    q = q * z - 0.3333328194f;
    const Floats e = exponential(-2.0f * a), far = (1.0f - e) / (1.0f + e);
    return choose(a < 0.625f, x + x * z * q, choose(x < 0.0f, -far, far));
}

// Φ(−a) = exp(−a²/2)·R(a) for a ≥ 0, where R decreases slowly from ½: R(a) ≈ Q(u) / (a + k) with u = (a − k) / (a + k). Q is the
// minimax polynomial of degree nine (relative error 5.2·10⁻⁹), computed by tools/generate/normal_tail.py. Source of the
// substitution: Shepherd, Laframboise, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞", Mathematics of
// Computation 1981.
struct Normal {
    Floats cumulative, density;
};
inline __attribute__((always_inline)) Normal normal(Floats x) {
    const float k = 3.5f;
    const Floats a = smaller(choose(x < 0.0f, -x, x), splat(16));  // beyond 16 e is 0; the limit keeps u finite
    const Floats e = exponential(-0.5f * a * a);
    const Floats inverse = 1.0f / (a + k), u = (a - k) * inverse;
    Floats q = u * 0.0001161138716f + 0.0004320855078f;
    q = q * u - 0.000493726111f;
    q = q * u - 0.003181739245f;
    q = q * u + 0.006491071079f;
    q = q * u + 0.01740769111f;
    q = q * u - 0.116052635f;
    q = q * u + 0.3154249489f;
    q = q * u - 0.5655617714f;
    q = q * u + 0.7444160581f;
    const Floats tail = e * (q * inverse);
    return {choose(x < 0.0f, tail, 1.0f - tail), e * 0.3989422804f};
}

}  // namespace gradus::cpu
