// Activations on a GPU, plain and gated. The formulas are in kernels/activation.h, the kernel in kernels/cuda/elementwise.h.
//
// Plan. The activation is a template argument, so kernels have no branch on it. Both halves of a gated row are read in parts that do
// not cross its end.
#include "kernels/activation.h"
#include "kernels/cuda/activation_functions.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/elementwise.h"

namespace gradus::DEVICE {

namespace {

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
    by_dtype(t, [&](auto scalar) { by_activation(kind, [&](auto function) { run(function, scalar); }); });
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
