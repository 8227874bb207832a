#pragma once
// The derivative of a forward op, independent of any backward:
//
//   f(x + ih) = f(x) + ih·f'(x) + O(h²)        so        f'(x) = Im f(x + ih) / h
//
// There is no difference and so no cancellation, and h can be 1e-30: the derivative is as exact as f itself. The reference
// runs in complex<double>; one element of one input is perturbed at a time, and f is a fixed linear functional of the outputs,
// whose weights are also the output gradients given to backward.
//
// Source: Squire, Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 1998.
#include <functional>

#include "tests/kernels/harness.h"

namespace gradus::test {

// Σ weight·out of a c128 tensor.
inline c128 functional(const Tensor& out, const Tensor& weight) {
    c128 sum = 0;
    for (int64_t i = 0; i < out.size(); ++i) sum += out.as<c128>()[i] * at(weight, i);
    return sum;
}

// after − before: the gradient that a backward op added to a non-zero tensor.
inline Owned added(const Tensor& after, const Tensor& before) {
    Owned t(after.dtype, after.shape);
    for (int64_t i = 0; i < t.size(); ++i) put(t, i, at(after, i) - at(before, i));
    return t;
}

struct Derivative {
    const char* name;  // of the input
    Tensor input;      // c128, perturbed
    Tensor gradient;   // f64, from backward
    double terms = 0;  // the magnitude of the gradient's terms, if they may all cancel
};

// Empty if every element of every gradient is within 1e-14 of the derivative, relative to the largest gradient of its
// tensor (or to its terms); otherwise names the op, the input, the element and both values.
inline std::string wrong_gradient(const std::string& op, const std::vector<Derivative>& inputs,
                                  const std::function<c128()>& forward) {
    constexpr double h = 1e-30, tolerance = 1e-14;
    for (const Derivative& d : inputs) {
        double largest = d.terms;
        for (int64_t i = 0; i < d.gradient.size(); ++i) largest = std::max(largest, std::abs(at(d.gradient, i)));
        Owned derivative(DType::f64, d.input.shape);
        for (int64_t i = 0; i < d.input.size(); ++i) {
            c128& x = d.input.as<c128>()[i];
            x += c128(0, h);
            put(derivative, i, forward().imag() / h);
            x = x.real();
        }
        const std::string wrong =
            difference(op + ", d_" + d.name, d.gradient, derivative, 0, std::max(tolerance * largest, 1e-300));
        if (!wrong.empty()) return wrong;
    }
    return "";
}

}  // namespace gradus::test
