// The sum of squares, serial: one thread. Every addition waits for the one before it, and every load for memory.
#include "kernels/cuda/ladder/reduction/reduction.h"

namespace gradus::DEVICE::reduction_ladder {

namespace {

template <class Scalar>
__global__ void serial_kernel(double* total, const Scalar* x, int64_t size) {
    double sum = 0;
    for (int64_t i = 0; i < size; ++i) sum += wide(x[i]) * wide(x[i]);
    *total += sum;
}

}  // namespace

void serial(const SquareSum& a, Stream s) {
    by_any_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch(serial_kernel<Scalar>, dim3(1), dim3(1), 0, s, a.total.as<double>(), a.x.as<Scalar>(), a.x.size());
    });
}

}  // namespace gradus::DEVICE::reduction_ladder
