// Add and cast on a GPU. The formulas are in kernels/elementwise.h.
//
// Plan. One thread per element.
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/rounding.h"
#include "kernels/elementwise.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
__global__ void add_kernel(Scalar* y, const Scalar* a, const Scalar* b, int64_t size) {
    const int64_t i = element();
    if (i < size) y[i] = Scalar(float(a[i]) + float(b[i]));
}

__device__ void assign(float& y, double x) { y = float(x); }
__device__ void assign(double& y, double x) { y = x; }
__device__ void assign(bf16& y, double x) { y = rounded(x); }

// Via a double, which represents every f32 and bf16 exactly.
template <class To, class From>
__global__ void cast_kernel(To* y, const From* x, int64_t size) {
    const int64_t i = element();
    if (i < size) assign(y[i], wide(x[i]));
}

}  // namespace

void add(const Add& a, Stream s) {
    by_dtype(a.y.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(add_kernel<Scalar>, a.y.size(), s, a.y.as<Scalar>(), a.a.as<Scalar>(), a.b.as<Scalar>(),
                        a.y.size());
    });
}

void cast(const Cast& a, Stream s) {
    by_any_dtype(a.y.dtype, [&](auto to) {
        by_any_dtype(a.x.dtype, [&](auto from) {
            using To = decltype(to);
            using From = decltype(from);
            launch_elements(cast_kernel<To, From>, a.y.size(), s, a.y.as<To>(), a.x.as<From>(), a.y.size());
        });
    });
}

}  // namespace gradus::DEVICE
