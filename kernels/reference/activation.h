#pragma once
// The formulas of kernels/activation.h.
#include <numbers>

#include "kernels/activation.h"
#include "kernels/reference/scalar.h"

namespace gradus::reference {

struct GeluTanh {
    template <class Scalar>
    static Scalar inner(Scalar x) {
        const Scalar k = std::sqrt(Scalar(2 / std::numbers::pi));
        return std::tanh(k * (x + Scalar(0.044715) * x * x * x));
    }
    template <class Scalar>
    static Scalar value(Scalar x) {
        return Scalar(0.5) * x * (Scalar(1) + inner(x));
    }
    template <class Scalar>
    static Scalar derivative(Scalar x) {
        const Scalar k = std::sqrt(Scalar(2 / std::numbers::pi)), t = inner(x);
        const Scalar d_inner = (Scalar(1) - t * t) * k * (Scalar(1) + Scalar(3 * 0.044715) * x * x);
        return Scalar(0.5) * (Scalar(1) + t) + Scalar(0.5) * x * d_inner;
    }
};

// erfc for complex steps only, where h² underflows: erfc(x + ih) = erfc(x) + ih·erfc'(x) to the last bit. Wrong for other complex
// numbers.
template <class Scalar>
Scalar erfc(Scalar x) {
    if constexpr (std::is_same_v<Scalar, c128>)
        return {std::erfc(x.real()), -2 / std::sqrt(std::numbers::pi) * std::exp(-x.real() * x.real()) * x.imag()};
    else return std::erfc(x);
}

struct GeluErf {
    template <class Scalar>
    static Scalar cumulative(Scalar x) {  // ½·(1 + erf(x/√2)), without the cancellation of that sum below 0
        return Scalar(0.5) * erfc(-x / Scalar(std::numbers::sqrt2));
    }
    template <class Scalar>
    static Scalar value(Scalar x) {
        return x * cumulative(x);
    }
    template <class Scalar>
    static Scalar derivative(Scalar x) {
        const Scalar density = std::exp(Scalar(-0.5) * x * x) / std::sqrt(Scalar(2 * std::numbers::pi));
        return cumulative(x) + x * density;
    }
};

struct Silu {
    template <class Scalar>
    static Scalar value(Scalar x) {
        return x / (Scalar(1) + std::exp(-x));
    }
    template <class Scalar>
    static Scalar derivative(Scalar x) {
        const Scalar sigmoid = Scalar(1) / (Scalar(1) + std::exp(-x));
        return sigmoid * (Scalar(1) + x * (Scalar(1) - sigmoid));
    }
};

struct Relu {
    template <class Scalar>
    static Scalar value(Scalar x) {
        return real_of(x) <= 0 ? Scalar(0) : x;  // NaN stays NaN
    }
    template <class Scalar>
    static Scalar derivative(Scalar x) {
        return real_of(x) <= 0 ? Scalar(0) : real_of(x) > 0 ? Scalar(1) : x;
    }
};

template <class Run>
void with_function(Activation kind, Run&& run) {
    switch (kind) {
        case Activation::gelu_tanh: return run(GeluTanh{});
        case Activation::gelu_erf: return run(GeluErf{});
        case Activation::silu: return run(Silu{});
        case Activation::relu: return run(Relu{});
    }
}

template <class Scalar>
void activation_forward(const ActivationForward& a) {
    const Scalar* x = a.x.as<Scalar>();
    Scalar* y = a.y.as<Scalar>();
    with_function(a.kind, [&](auto f) {
        for (int64_t i = 0; i < a.x.size(); ++i) y[i] = f.value(x[i]);
    });
}

template <class Scalar>
void activation_backward(const ActivationBackward& a) {
    const Scalar *x = a.x.as<Scalar>(), *d_y = a.d_y.as<Scalar>();
    Scalar* d_x = a.d_x.as<Scalar>();
    with_function(a.kind, [&](auto f) {
        for (int64_t i = 0; i < a.x.size(); ++i) d_x[i] = f.derivative(x[i]) * d_y[i];
    });
}

template <class Scalar>
void gated_forward(const GatedForward& a) {
    const int64_t N = a.y.rows(), F = a.y.last();
    with_function(a.kind, [&](auto f) {
        for (int64_t n = 0; n < N; ++n) {
            const Scalar *gate = a.x.as<Scalar>() + n * 2 * F, *up = gate + F;
            Scalar* y = a.y.as<Scalar>() + n * F;
            for (int64_t i = 0; i < F; ++i) y[i] = f.value(gate[i]) * up[i];
        }
    });
}

template <class Scalar>
void gated_backward(const GatedBackward& a) {
    const int64_t N = a.d_y.rows(), F = a.d_y.last();
    with_function(a.kind, [&](auto f) {
        for (int64_t n = 0; n < N; ++n) {
            const Scalar *gate = a.x.as<Scalar>() + n * 2 * F, *up = gate + F, *d_y = a.d_y.as<Scalar>() + n * F;
            Scalar *d_gate = a.d_x.as<Scalar>() + n * 2 * F, *d_up = d_gate + F;
            for (int64_t i = 0; i < F; ++i) {
                d_gate[i] = f.derivative(gate[i]) * up[i] * d_y[i];
                d_up[i] = f.value(gate[i]) * d_y[i];
            }
        }
    });
}

}  // namespace gradus::reference
