// Activations on a GPU, plain and gated. The formulas are in kernels/activation.h.
//
// Plan. One thread per element of y (backward: of d_y). The activation is a template argument, so kernels have no branch on
// it.
#include <numbers>

#include "kernels/activation.h"
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

namespace {

constexpr float pi = std::numbers::pi_v<float>;

struct GeluTanh {
    static __device__ float inner(float x) { return tanhf(sqrtf(2 / pi) * (x + 0.044715f * x * x * x)); }
    static __device__ float value(float x) { return 0.5f * x * (1 + inner(x)); }
    static __device__ float derivative(float x) {
        const float t = inner(x), d_inner = (1 - t * t) * sqrtf(2 / pi) * (1 + 3 * 0.044715f * x * x);
        return 0.5f * (1 + t) + 0.5f * x * d_inner;
    }
};

struct GeluErf {
    // Φ(x), without the cancellation of ½·(1 + erf) below 0
    static __device__ float cumulative(float x) { return 0.5f * erfcf(-x / std::numbers::sqrt2_v<float>); }
    static __device__ float value(float x) { return x * cumulative(x); }
    static __device__ float derivative(float x) { return cumulative(x) + x * expf(-0.5f * x * x) / sqrtf(2 * pi); }
};

struct Silu {
    static __device__ float value(float x) { return x / (1 + expf(-x)); }
    static __device__ float derivative(float x) {
        const float sigmoid = 1 / (1 + expf(-x));
        return sigmoid * (1 + x * (1 - sigmoid));
    }
};

struct Relu {  // NaN stays NaN
    static __device__ float value(float x) { return x <= 0 ? 0 : x; }
    static __device__ float derivative(float x) { return x <= 0 ? 0 : x > 0 ? 1 : x; }
};

// ---- plain -------------------------------------------------------------------------------------------------------

template <class Function, class Scalar>
__global__ void activation_forward_kernel(Scalar* y, const Scalar* x, int64_t size) {
    const int64_t i = element();
    if (i < size) y[i] = Scalar(Function::value(float(x[i])));
}

template <class Function, class Scalar>
__global__ void activation_backward_kernel(Scalar* d_x, const Scalar* d_y, const Scalar* x, int64_t size) {
    const int64_t i = element();
    if (i < size) d_x[i] = Scalar(Function::derivative(float(x[i])) * float(d_y[i]));
}

// ---- gated -------------------------------------------------------------------------------------------------------

// A row of x is [gate | up], each F wide.
template <class Function, class Scalar>
__global__ void gated_forward_kernel(Scalar* y, const Scalar* x, int64_t N, int64_t F) {
    const int64_t i = element(), n = i / F, f = i % F;
    if (n >= N) return;
    const float gate = float(x[n * 2 * F + f]), up = float(x[n * 2 * F + F + f]);
    y[i] = Scalar(Function::value(gate) * up);
}

template <class Function, class Scalar>
__global__ void gated_backward_kernel(Scalar* d_x, const Scalar* d_y, const Scalar* x, int64_t N, int64_t F) {
    const int64_t i = element(), n = i / F, f = i % F;
    if (n >= N) return;
    const float gate = float(x[n * 2 * F + f]), up = float(x[n * 2 * F + F + f]), d = float(d_y[i]);
    d_x[n * 2 * F + f] = Scalar(Function::derivative(gate) * up * d);
    d_x[n * 2 * F + F + f] = Scalar(Function::value(gate) * d);
}

// Calls run(function, scalar) with the types of this activation and dtype.
template <class Run>
void by_function(Activation kind, DType t, Run&& run) {
    by_dtype(t, [&](auto scalar) {
        switch (kind) {
            case Activation::gelu_tanh: return run(GeluTanh{}, scalar);
            case Activation::gelu_erf: return run(GeluErf{}, scalar);
            case Activation::silu: return run(Silu{}, scalar);
            case Activation::relu: return run(Relu{}, scalar);
        }
    });
}

}  // namespace

void activation_forward(const ActivationForward& a, Stream s) {
    by_function(a.kind, a.x.dtype, [&](auto function, auto scalar) {
        using Function = decltype(function);
        using Scalar = decltype(scalar);
        launch_elements(activation_forward_kernel<Function, Scalar>, a.x.size(), s, a.y.as<Scalar>(), a.x.as<Scalar>(),
                        a.x.size());
    });
}

void activation_backward(const ActivationBackward& a, Stream s) {
    by_function(a.kind, a.x.dtype, [&](auto function, auto scalar) {
        using Function = decltype(function);
        using Scalar = decltype(scalar);
        launch_elements(activation_backward_kernel<Function, Scalar>, a.x.size(), s, a.d_x.as<Scalar>(),
                        a.d_y.as<Scalar>(), a.x.as<Scalar>(), a.x.size());
    });
}

void gated_forward(const GatedForward& a, Stream s) {
    by_function(a.kind, a.y.dtype, [&](auto function, auto scalar) {
        using Function = decltype(function);
        using Scalar = decltype(scalar);
        launch_elements(gated_forward_kernel<Function, Scalar>, a.y.size(), s, a.y.as<Scalar>(), a.x.as<Scalar>(),
                        a.y.rows(), a.y.last());
    });
}

void gated_backward(const GatedBackward& a, Stream s) {
    by_function(a.kind, a.d_y.dtype, [&](auto function, auto scalar) {
        using Function = decltype(function);
        using Scalar = decltype(scalar);
        launch_elements(gated_backward_kernel<Function, Scalar>, a.d_y.size(), s, a.d_x.as<Scalar>(),
                        a.d_y.as<Scalar>(), a.x.as<Scalar>(), a.d_y.rows(), a.d_y.last());
    });
}

}  // namespace gradus::DEVICE
