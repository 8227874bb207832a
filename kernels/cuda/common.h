#pragma once
// Shared by the kernels of this folder: the mapping of work to threads, sums over a warp and a block, and dispatch on the dtype.
// The simplest mappings are three, each launched by launch_<mapping>():
//
//   elements   one thread per element, with index element(). Neighbouring threads have neighbouring elements, so the accesses
//              of a warp are coalesced.
//   rows       one warp per row, with index row(); threadIdx.x is the lane. The lanes take the channels lane, lane + 32, …,
//              which is coalesced too, and warp_sum() adds their partial sums.
//   columns    one block per 32 columns, for sums over rows: threadIdx.x is the column, and `row_lanes` threads share its
//              rows: threadIdx.y, threadIdx.y + row_lanes, …
//
// Ops that are bound by memory have theirs, with 16-byte accesses (parts.h): elementwise.h, row.h, column_sums.h, rotation.h.
//
// The order of every sum depends only on the shapes, so the same call gives the same bits. Empty work launches nothing.
#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "kernels/cuda/primitives/device.h"
#include "kernels/scalar.h"
#include "kernels/tensor.h"

namespace gradus::DEVICE {

constexpr int warp = 32;
constexpr unsigned all_lanes = 0xffffffffu;
constexpr int threads_per_block = 256;  // elements
constexpr int warps_per_block = 4;      // rows
constexpr int row_lanes = 16;           // columns
constexpr float infinity = std::numeric_limits<float>::infinity();

// ---- on the host -----------------------------------------------------------------------------------------------

inline dim3 blocks_for(int64_t n, int64_t per_block) {
    constexpr int64_t max_blocks = std::numeric_limits<int32_t>::max();
    const int64_t blocks = (n + per_block - 1) / per_block;
    CHECK(blocks <= max_blocks, std::to_string(blocks) + " blocks exceed the limit of a grid");
    return dim3(unsigned(blocks));
}

template <class Kernel, class... Args>
void launch_elements(Kernel* kernel, int64_t n, Stream s, const Args&... args) {
    if (n == 0) return;
    launch(kernel, blocks_for(n, threads_per_block), dim3(threads_per_block), 0, s, args...);
}

template <class Kernel, class... Args>
void launch_rows(Kernel* kernel, int64_t N, Stream s, const Args&... args) {
    if (N == 0) return;
    launch(kernel, blocks_for(N, warps_per_block), dim3(warp, warps_per_block), 0, s, args...);
}

template <class Kernel, class... Args>
void launch_columns(Kernel* kernel, int64_t C, Stream s, const Args&... args) {
    if (C == 0) return;
    launch(kernel, blocks_for(C, warp), dim3(warp, row_lanes), 0, s, args...);
}

// Calls run(float{}) or run(bf16{}) for the dtype of a tensor.
template <class Run>
void by_dtype(DType t, Run&& run) {
    if (t == DType::f32) return run(float{});
    CHECK(t == DType::bf16, "the GPU backend computes in f32 and bf16");
    run(bf16{});
}

// For master weights, moments and statistics.
inline void require_f32(const Tensor& t) { CHECK(t.dtype == DType::f32, "the GPU backend accumulates in f32"); }

// Only casts and sums of squares take f64.
template <class Run>
void by_any_dtype(DType t, Run&& run) {
    if (t == DType::f64) return run(double{});
    by_dtype(t, run);
}

// ---- in a kernel -----------------------------------------------------------------------------------------------

__device__ inline int64_t element() { return int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t row() { return int64_t(blockIdx.x) * blockDim.y + threadIdx.y; }
__device__ inline int64_t column() { return int64_t(blockIdx.x) * warp + threadIdx.x; }

// Any scalar as a double: exact.
__device__ inline double wide(float x) { return double(x); }
__device__ inline double wide(double x) { return x; }
__device__ inline double wide(bf16 x) { return double(float(x)); }

// One access to 8 bytes, at an address that is a multiple of 8. Of a struct, the compiler may make two.
using DoubleWord [[gnu::may_alias]] = unsigned long long;
template <class Value>
__device__ void store_double_word(void* address, const Value& value) {
    *static_cast<DoubleWord*>(address) = std::bit_cast<unsigned long long>(value);
}
template <class Value>
__device__ Value load_double_word(const void* address) {
    return std::bit_cast<Value>(*static_cast<const DoubleWord*>(address));
}

// The sum over the lanes of a warp, in every lane (butterfly).
template <class Real>
__device__ Real warp_sum(Real x) {
    for (int step = warp / 2; step > 0; step /= 2) x += __shfl_xor_sync(all_lanes, x, step);
    return x;
}

__device__ inline float warp_max(float x) {
    for (int step = warp / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(all_lanes, x, step));
    return x;
}

// The sum over a block of warps, in thread (0, 0): the sums of the warps, added in order.
template <class Real, int warps>
__device__ Real block_sum(Real x, Real (&of_warps)[warps]) {
    x = warp_sum(x);
    if (threadIdx.x == 0) of_warps[threadIdx.y] = x;
    __syncthreads();
    Real sum = 0;
    if (threadIdx.x == 0 && threadIdx.y == 0)
        for (int k = 0; k < warps; ++k) sum += of_warps[k];
    return sum;
}

// The sum over the row lanes of one column, in its row lane 0, in the order of the row lanes.
__device__ inline float column_sum(float x, float (&of_lanes)[row_lanes][warp]) {
    of_lanes[threadIdx.y][threadIdx.x] = x;
    __syncthreads();
    float sum = 0;
    if (threadIdx.y == 0)
        for (int k = 0; k < row_lanes; ++k) sum += of_lanes[k][threadIdx.x];
    return sum;
}

}  // namespace gradus::DEVICE
