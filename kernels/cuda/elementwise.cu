// Add and cast on a GPU. The formulas are in kernels/elementwise.h, the kernel in kernels/cuda/elementwise.h.
#include "kernels/elementwise.h"

#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/rounding.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
struct Sum {
    Scalar* y;
    const Scalar *a, *b;

    template <int width>
    struct Terms {
        Part<Scalar, width> a, b;
    };
    template <int width>
    __device__ Terms<width> read(int64_t i) const {
        return {load_part<width>(a + i), load_part<width>(b + i)};
    }
    template <int width>
    __device__ void write(int64_t i, const Terms<width>& x) const {
        store_part(y + i, part_of<Scalar, width>([&](int k) { return x.a[k] + x.b[k]; }));
    }
};

// Between f32 and bf16.
template <class To, class From>
struct Conversion {
    To* y;
    const From* x;

    template <int width>
    __device__ Part<From, width> read(int64_t i) const {
        return load_part<width>(x + i);
    }
    template <int width>
    __device__ void write(int64_t i, const Part<From, width>& part) const {
        store_part(y + i, part_of<To, width>([&](int k) { return part[k]; }));
    }
};

__device__ void assign(float& y, double x) { y = float(x); }
__device__ void assign(double& y, double x) { y = x; }
__device__ void assign(bf16& y, double x) { y = rounded(x); }

// From or to f64, via a double, which represents every f32 and bf16 exactly.
template <class To, class From>
__global__ void cast_kernel(To* y, const From* x, int64_t size) {
    const int64_t i = element();
    if (i < size) assign(y[i], wide(x[i]));
}

template <class To, class From>
void convert(const Cast& a, Stream s) {
    if constexpr (std::is_same_v<To, double> || std::is_same_v<From, double>)
        launch_elements(cast_kernel<To, From>, a.y.size(), s, a.y.as<To>(), a.x.as<From>(), a.y.size());
    else launch_flat<4>(Conversion<To, From>{a.y.as<To>(), a.x.as<From>()}, a.y.size(), aligned({a.y, a.x}), s);
}

}  // namespace

void add(const Add& a, Stream s) {
    by_dtype(a.y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_flat<vector_width<Scalar>>(Sum<Scalar>{a.y.as<Scalar>(), a.a.as<Scalar>(), a.b.as<Scalar>()}, a.y.size(),
                                          aligned({a.y, a.a, a.b}), s);
    });
}

void cast(const Cast& a, Stream s) {
    by_any_dtype(a.y.dtype, [&](auto to) {
        by_any_dtype(a.x.dtype, [&](auto from) { convert<decltype(to), decltype(from)>(a, s); });
    });
}

}  // namespace gradus::DEVICE
