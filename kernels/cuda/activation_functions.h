#pragma once
// The activations of kernels/activation.h and their derivatives, in f32.
//
// exp and the reciprocal are the hardware's: their errors of a few units in the last place are those of the formula in f32. tanh is
// written as a sigmoid, ½·(1 + tanh u) = σ(2u), which also avoids the cancellation for u < 0.
#include <numbers>

#include "kernels/activation.h"
#include "kernels/cuda/primitives/device.h"

namespace gradus::DEVICE {

constexpr float pi = std::numbers::pi_v<float>;

__device__ inline float sigmoid(float x) { return __fdividef(1.f, 1.f + __expf(-x)); }

// σ(x) and its derivative σ(x)·σ(−x), without cancellation.
struct Sigmoid {
    float value, slope;

    __device__ explicit Sigmoid(float x) {
        const float e = __expf(-fabsf(x)), larger = __fdividef(1.f, 1.f + e), smaller = e * larger;
        value = x >= 0 ? larger : smaller;
        slope = larger * smaller;
    }
};

struct GeluTanh {
    // 2u, where u is the argument of tanh
    static __device__ float inner(float x) { return 2 * sqrtf(2 / pi) * (x + 0.044715f * x * x * x); }
    static __device__ float value(float x) { return x * sigmoid(inner(x)); }
    static __device__ float derivative(float x) {
        const Sigmoid s(inner(x));
        const float d_inner = 2 * sqrtf(2 / pi) * (1 + 3 * 0.044715f * x * x);
        return s.value + x * (s.slope * d_inner);
    }
};

struct GeluErf {
    // Φ(x), without the cancellation of ½·(1 + erf) below 0
    static __device__ float cumulative(float x) { return 0.5f * erfcf(-x / std::numbers::sqrt2_v<float>); }
    static __device__ float value(float x) { return x * cumulative(x); }
    static __device__ float derivative(float x) {
        return cumulative(x) + x * __expf(-0.5f * x * x) * (1 / sqrtf(2 * pi));
    }
};

struct Silu {
    static __device__ float value(float x) { return x * sigmoid(x); }
    static __device__ float derivative(float x) {
        const Sigmoid s(x);
        return s.value + x * s.slope;
    }
};

struct Relu {  // NaN stays NaN
    static __device__ float value(float x) { return x <= 0 ? 0 : x; }
    static __device__ float derivative(float x) { return x <= 0 ? 0 : x > 0 ? 1 : x; }
};

// Calls run(function) with the type of the activation.
template <class Run>
__host__ __device__ void by_activation(Activation kind, Run&& run) {
    switch (kind) {
        case Activation::gelu_tanh: return run(GeluTanh{});
        case Activation::gelu_erf: return run(GeluErf{});
        case Activation::silu: return run(Silu{});
        case Activation::relu: return run(Relu{});
    }
}

}  // namespace gradus::DEVICE
