// Activations on a GPU, plain and gated. The formulas are in kernels/activation.h, the kernel in kernels/cuda/elementwise.h.
//
// Plan. The activation is a template argument, so kernels have no branch on it. Both halves of a gated row are read in parts that do
// not cross its end. exp and the reciprocal are the hardware's: their errors of a few units in the last place are those of the formula
// in f32. tanh is written as a sigmoid, ½·(1 + tanh u) = σ(2u), which also avoids the cancellation for u < 0.
#include "kernels/activation.h"

#include <numbers>

#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/elementwise.h"

namespace gradus::DEVICE {

namespace {

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

// ---- plain -------------------------------------------------------------------------------------------------------

template <class Function, class Scalar>
struct PlainForward {
    Scalar* y;
    const Scalar* x;

    template <int width>
    __device__ Part<Scalar, width> read(int64_t i) const {
        return load_part<width>(x + i);
    }
    template <int width>
    __device__ void write(int64_t i, const Part<Scalar, width>& part) const {
        store_part(y + i, part_of<Scalar, width>([&](int k) { return Function::value(part[k]); }));
    }
};

template <class Function, class Scalar>
struct PlainBackward {
    Scalar* d_x;
    const Scalar *d_y, *x;

    template <int width>
    struct Read {
        Part<Scalar, width> d_y, x;
    };
    template <int width>
    __device__ Read<width> read(int64_t i) const {
        return {load_part<width>(d_y + i), load_part<width>(x + i)};
    }
    template <int width>
    __device__ void write(int64_t i, const Read<width>& of) const {
        store_part(d_x + i, part_of<Scalar, width>([&](int k) { return Function::derivative(of.x[k]) * of.d_y[k]; }));
    }
};

// ---- gated -------------------------------------------------------------------------------------------------------

// A row of x is [gate | up], each F wide. Element i of [N,F] has its gate at place(i) of x, and its up F further.
__device__ inline int64_t place(int64_t i, int64_t F) { return i + i / F * F; }

template <class Function, class Scalar>
struct GatedValue {
    Scalar* y;
    const Scalar* x;
    int64_t F;

    template <int width>
    struct Read {
        Part<Scalar, width> gate, up;
    };
    template <int width>
    __device__ Read<width> read(int64_t i) const {
        const Scalar* const gate = x + place(i, F);
        return {load_part<width>(gate), load_part<width>(gate + F)};
    }
    template <int width>
    __device__ void write(int64_t i, const Read<width>& of) const {
        store_part(y + i, part_of<Scalar, width>([&](int k) { return Function::value(of.gate[k]) * of.up[k]; }));
    }
};

template <class Function, class Scalar>
struct GatedGradient {
    Scalar* d_x;
    const Scalar *d_y, *x;
    int64_t F;

    template <int width>
    struct Read {
        Part<Scalar, width> d_y, gate, up;
    };
    template <int width>
    __device__ Read<width> read(int64_t i) const {
        const Scalar* const gate = x + place(i, F);
        return {load_part<width>(d_y + i), load_part<width>(gate), load_part<width>(gate + F)};
    }
    template <int width>
    __device__ void write(int64_t i, const Read<width>& of) const {
        Scalar* const d_gate = d_x + place(i, F);
        store_part(d_gate, part_of<Scalar, width>(
                               [&](int k) { return Function::derivative(of.gate[k]) * of.up[k] * of.d_y[k]; }));
        store_part(d_gate + F, part_of<Scalar, width>([&](int k) { return Function::value(of.gate[k]) * of.d_y[k]; }));
    }
};

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
        using Scalar = decltype(scalar);
        const PlainForward<decltype(function), Scalar> f = {a.y.as<Scalar>(), a.x.as<Scalar>()};
        launch_flat<vector_width<Scalar>>(f, a.x.size(), aligned({a.y, a.x}), s);
    });
}

void activation_backward(const ActivationBackward& a, Stream s) {
    by_function(a.kind, a.x.dtype, [&](auto function, auto scalar) {
        using Scalar = decltype(scalar);
        const PlainBackward<decltype(function), Scalar> f = {a.d_x.as<Scalar>(), a.d_y.as<Scalar>(), a.x.as<Scalar>()};
        launch_flat<vector_width<Scalar>>(f, a.x.size(), aligned({a.d_x, a.d_y, a.x}), s);
    });
}

void gated_forward(const GatedForward& a, Stream s) {
    by_function(a.kind, a.y.dtype, [&](auto function, auto scalar) {
        using Scalar = decltype(scalar);
        const GatedValue<decltype(function), Scalar> f = {a.y.as<Scalar>(), a.x.as<Scalar>(), a.y.last()};
        launch_flat<vector_width<Scalar>>(f, a.y.size(), vectors_fit({a.y, a.x}), s);
    });
}

void gated_backward(const GatedBackward& a, Stream s) {
    by_function(a.kind, a.d_y.dtype, [&](auto function, auto scalar) {
        using Scalar = decltype(scalar);
        const GatedGradient<decltype(function), Scalar> f = {a.d_x.as<Scalar>(), a.d_y.as<Scalar>(), a.x.as<Scalar>(),
                                                             a.d_y.last()};
        launch_flat<vector_width<Scalar>>(f, a.d_y.size(), vectors_fit({a.d_x, a.d_y, a.x}), s);
    });
}

}  // namespace gradus::DEVICE
