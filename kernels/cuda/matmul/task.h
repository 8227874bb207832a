#pragma once
// A matmul as its kernels take it, and the last step of all of them: from sums to elements of c.
#include "kernels/cuda/activation_functions.h"
#include "kernels/cuda/common.h"
#include "kernels/cuda/matmul/own.h"
#include "kernels/cuda/matmul/tile_order.h"

namespace gradus::DEVICE {

struct MatmulTask {
    void* c;
    const void *a, *b, *bias;
    void* pre;
    int64_t c_stride, a_stride, b_stride, pre_stride;
    int M, N, K;
    float alpha;
    bool accumulate;
    bool wide;  // c, bias and pre allow 16-byte accesses
    Activation activation;
    float* sums;  // [splits, M, sums_stride(N)], or null: one split
    int splits, depth;
};

// Row stride of the splits' sums: rows are aligned for 16-byte accesses of any width.
__host__ __device__ inline int64_t sums_stride(int64_t N) { return (N + 7) / 8 * 8; }

// Elements [0, count) at an address; with `wide`, full packs in one access.
template <int width, class Scalar>
__device__ void load_some(float (&values)[width], const Scalar* address, int count, bool wide) {
    if constexpr (width == Pack<Scalar>::size)
        if (wide && count == width) {
            const Pack<Scalar> pack = load_pack(address);
#pragma unroll
            for (int i = 0; i < width; ++i) values[i] = float(pack[i]);
            return;
        }
#pragma unroll
    for (int i = 0; i < width; ++i) values[i] = i < count ? float(address[i]) : 0.f;
}

template <int width, class Scalar>
__device__ void store_some(Scalar* address, const float (&values)[width], int count, bool wide) {
    if constexpr (width == Pack<Scalar>::size)
        if (wide && count == width) {
            Pack<Scalar> pack;
#pragma unroll
            for (int i = 0; i < width; ++i) pack[i] = Scalar(values[i]);
            store_pack(address, pack);
            return;
        }
#pragma unroll
    for (int i = 0; i < width; ++i)
        if (i < count) address[i] = Scalar(values[i]);
}

// Writes c[m, n … n + width) from the sums over all k.
template <class Result, MatmulEnd end, int width>
__device__ void finish(const MatmulTask& task, float (&values)[width], int m, int n) {
    const int count = min(width, task.N - n);
    Result* const c = static_cast<Result*>(task.c) + m * task.c_stride + n;
    float terms[width];
#pragma unroll
    for (int i = 0; i < width; ++i) values[i] *= task.alpha;
    if (task.accumulate) {
        load_some(terms, c, count, task.wide);
#pragma unroll
        for (int i = 0; i < width; ++i) values[i] += terms[i];
    }
    if (task.bias) {
        load_some(terms, static_cast<const Result*>(task.bias) + n, count, task.wide);
#pragma unroll
        for (int i = 0; i < width; ++i) values[i] += terms[i];
    }
    if constexpr (end != MatmulEnd::plain) {
        Result* const pre = static_cast<Result*>(task.pre) + m * task.pre_stride + n;
        if (end == MatmulEnd::activate) store_some(pre, values, count, task.wide);
        else load_some(terms, pre, count, task.wide);
        by_activation(task.activation, [&](auto function) {
#pragma unroll
            for (int i = 0; i < width; ++i)
                values[i] =
                    end == MatmulEnd::activate ? function.value(values[i]) : values[i] * function.derivative(terms[i]);
        });
    }
    store_some(c, values, count, task.wide);
}

// As finish(), or the part of the sums that is this split's. width divides 8.
template <class Result, MatmulEnd end, int width>
__device__ void finish_split(const MatmulTask& task, float (&values)[width], int split, int m, int n) {
    if (m >= task.M || n >= task.N) return;
    if (!task.sums) return finish<Result, end>(task, values, m, n);
    float* const sums = task.sums + (int64_t(split) * task.M + m) * sums_stride(task.N) + n;
#pragma unroll
    for (int i = 0; i < width; i += 4) store_pack(sums + i, {values[i], values[i + 1], values[i + 2], values[i + 3]});
}

// ---- the kernels ---------------------------------------------------------------------------------------------------

void multiply_in_register_tiles(const MatmulTask&, const Matmul&, MatmulTile, Stream);
void multiply_on_tensor_cores(const MatmulTask&, const Matmul&, MatmulTile, Stream);
void multiply_on_warpgroups(const MatmulTask&, const Matmul&, const MatmulPlan&, Stream);
void add_splits(const MatmulTask&, const Matmul&, Stream);

}  // namespace gradus::DEVICE
