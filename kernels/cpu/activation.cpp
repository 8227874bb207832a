// Activations: each is a type with its value and its derivative for a register of inputs.
#include <numbers>

#include "kernels/activation.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vector_math.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

constexpr int64_t grain = 1 << 13;  // elements

struct Point {
    Floats value, derivative;
};

// ½·(1 + tanh u) = sigmoid(2u), which does not cancel for x far below 0.
struct GeluTanh {
    static constexpr float k = float(2 * 0.7978845608028654), c = 0.044715f;  // 2·√(2/π)

    static Floats argument(Floats x) { return k * x * (1.0f + c * x * x); }
    static Floats value(Floats x) { return x * sigmoid(argument(x)).value; }
    static Point point(Floats x) {
        const auto [s, rest] = sigmoid(argument(x));
        const Floats near = larger(smaller(x, splat(20)), splat(-20));  // beyond ±20 s·rest is 0, but 0·x³ may be NaN
        return {x * s, s + near * s * rest * k * (1.0f + 3 * c * near * near)};
    }
};

struct GeluErf {
    static Floats value(Floats x) { return x * normal(x).cumulative; }
    static Point point(Floats x) {
        const auto [cumulative, density] = normal(x);
        return {x * cumulative, cumulative + x * density};
    }
};

struct Silu {
    static Floats value(Floats x) { return x * sigmoid(x).value; }
    static Point point(Floats x) {
        const auto [s, rest] = sigmoid(x);
        return {x * s, s + x * s * rest};
    }
};

struct Relu {
    static Floats value(Floats x) { return choose(x <= 0.0f, Floats{}, x); }  // NaN stays NaN
    static Point point(Floats x) { return {value(x), choose(x <= 0.0f, Floats{}, choose(x > 0.0f, splat(1), x))}; }
};

template <class Run>
void by_kind(Activation kind, Run&& run) {
    switch (kind) {
        case Activation::gelu_tanh: return run(GeluTanh{});
        case Activation::gelu_erf: return run(GeluErf{});
        case Activation::silu: return run(Silu{});
        case Activation::relu: return run(Relu{});
    }
}

// Calls body(function, scalar) with the types for this call.
template <class Body>
void dispatch(Activation kind, DType dtype, Body&& body) {
    by_kind(kind, [&](auto function) { by_dtype(dtype, [&](auto scalar) { body(function, scalar); }); });
}

int64_t row_grain(int64_t F) { return std::max<int64_t>(1, grain / F); }

}  // namespace

void activation_forward(const ActivationForward& a, Stream) {
    dispatch(a.kind, a.x.dtype, [&](auto function, auto scalar) {
        using Scalar = decltype(scalar);
        parallel(a.x.size(), grain, [&](int64_t first, int64_t last) {
            const Scalar* x = a.x.as<Scalar>() + first;
            Scalar* y = a.y.as<Scalar>() + first;
            sweep(last - first,
                  [&](int64_t i, auto lanes) { store(y + i, function.value(load(x + i, lanes)), lanes); });
        });
    });
}

void activation_backward(const ActivationBackward& a, Stream) {
    dispatch(a.kind, a.x.dtype, [&](auto function, auto scalar) {
        using Scalar = decltype(scalar);
        parallel(a.x.size(), grain, [&](int64_t first, int64_t last) {
            const Scalar *x = a.x.as<Scalar>() + first, *d_y = a.d_y.as<Scalar>() + first;
            Scalar* d_x = a.d_x.as<Scalar>() + first;
            sweep(last - first, [&](int64_t i, auto lanes) {
                store(d_x + i, function.point(load(x + i, lanes)).derivative * load(d_y + i, lanes), lanes);
            });
        });
    });
}

void gated_forward(const GatedForward& a, Stream) {
    const int64_t F = a.y.last();
    dispatch(a.kind, a.x.dtype, [&](auto function, auto scalar) {
        using Scalar = decltype(scalar);
        parallel(a.y.rows(), row_grain(F), [&](int64_t first, int64_t last) {
            for (int64_t n = first; n < last; ++n) {
                const Scalar *gate = a.x.as<Scalar>() + n * 2 * F, *up = gate + F;
                Scalar* y = a.y.as<Scalar>() + n * F;
                sweep(F, [&](int64_t i, auto lanes) {
                    store(y + i, function.value(load(gate + i, lanes)) * load(up + i, lanes), lanes);
                });
            }
        });
    });
}

void gated_backward(const GatedBackward& a, Stream) {
    const int64_t F = a.d_y.last();
    dispatch(a.kind, a.x.dtype, [&](auto function, auto scalar) {
        using Scalar = decltype(scalar);
        parallel(a.d_y.rows(), row_grain(F), [&](int64_t first, int64_t last) {
            for (int64_t n = first; n < last; ++n) {
                const Scalar *gate = a.x.as<Scalar>() + n * 2 * F, *up = gate + F, *d_y = a.d_y.as<Scalar>() + n * F;
                Scalar *d_gate = a.d_x.as<Scalar>() + n * 2 * F, *d_up = d_gate + F;
                sweep(F, [&](int64_t i, auto lanes) {
                    const Point at_gate = function.point(load(gate + i, lanes));
                    const Floats u = load(up + i, lanes), d = load(d_y + i, lanes);
                    store(d_gate + i, at_gate.derivative * u * d, lanes);
                    store(d_up + i, at_gate.value * d, lanes);
                });
            }
        });
    });
}

}  // namespace gradus::cpu
