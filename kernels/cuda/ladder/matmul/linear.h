#pragma once
// y = x·wᵀ + b, as the rungs of this ladder compute it (kernels/linear.h): N rows, I inputs, O outputs. A row of x and a row of w are
// contiguous along i, which the sum runs over.
#include "kernels/cuda/common.h"
#include "kernels/cuda/matmul.h"
#include "kernels/linear.h"

namespace gradus::DEVICE {

template <class Scalar>
struct LinearTask {
    using Element = Scalar;
    Scalar* y;
    const Scalar *x, *w, *b;
    int64_t y_stride;
    int N, I, O;

    // 0 outside the matrices.
    __device__ float x_at(int n, int i) const { return n < N && i < I ? float(x[int64_t(n) * I + i]) : 0.f; }
    __device__ float w_at(int o, int i) const { return o < O && i < I ? float(w[int64_t(o) * I + i]) : 0.f; }
    __device__ void write(int n, int o, float sum) const {
        if (n < N && o < O) y[n * y_stride + o] = Scalar(sum + (b ? float(b[o]) : 0.f));
    }
};

// Calls run(task) with the scalar of the tensors.
template <class Run>
void with_task(const LinearForward& a, Run&& run) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        if (a.x.rows() == 0) return;
        run(LinearTask<Scalar>{a.y.as<Scalar>(), a.x.as<Scalar>(), a.w.as<Scalar>(), a.b.as<Scalar>(), a.y.stride(),
                               int(a.x.rows()), int(a.x.last()), int(a.y.last())});
    });
}

// Whether rows of x and w may be read 16 bytes at a time.
inline bool rows_are_packs(const LinearForward& a) {
    const auto starts = reinterpret_cast<uintptr_t>(a.x.data) | reinterpret_cast<uintptr_t>(a.w.data);
    return (starts | size_t(a.x.last()) * size_of(a.x.dtype)) % 16 == 0;
}

inline Matmul matmul_of(const LinearForward& a) {
    return {.c = a.y, .a = a.x, .b = a.w, .transpose_b = true, .bias = a.b};
}

inline dim3 tiles_of(const LinearForward& a, int rows, int columns) {
    return dim3(unsigned((a.y.last() + columns - 1) / columns), unsigned((a.x.rows() + rows - 1) / rows));
}

void naive_linear(const LinearForward&, Stream);
void coalesced_linear(const LinearForward&, Stream);
void shared_linear(const LinearForward&, Stream);
void register_tile_linear(const LinearForward&, Stream);
void vectorised_linear(const LinearForward&, Stream);
void async_copy_linear(const LinearForward&, Stream);
void tensor_core_linear(const LinearForward&, Stream);
void shipped_linear(const LinearForward&,
                    Stream);                      // kernels/cuda/matmul/ for all cards, whatever kernel_choices() says
void wgmma_linear(const LinearForward&, Stream);  // with code for sm_90a
void hopper_ring_linear(const LinearForward&, Stream);  // with code for sm_90a
void hopper_linear(const LinearForward&, Stream);       // kernels/cuda/matmul/ on sm_90a

}  // namespace gradus::DEVICE
