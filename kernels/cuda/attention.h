#pragma once
// What the attention kernels share: where heads lie in a row of qkv, a warp's dot product, and its walk over the keys of one
// query. Formulas: kernels/attention.h.
//
// A warp owns one row of D sums (y, d_q, …) in shared memory, whatever D is. Each lane reads and writes the channels lane,
// lane + 32, … alone, here as everywhere, so the lanes need no barrier.
#include "kernels/cuda/common.h"

namespace gradus::DEVICE {

struct QkvRow {
    int64_t H, G, D;

    __device__ int64_t width() const { return (H + 2 * G) * D; }
    __device__ int64_t group(int64_t h) const { return h * G / H; }
    __device__ int64_t query(int64_t n, int64_t h) const { return n * width() + h * D; }
    __device__ int64_t key(int64_t n, int64_t g) const { return n * width() + (H + g) * D; }
    __device__ int64_t value(int64_t n, int64_t g) const { return n * width() + (H + G + g) * D; }
};

// Where row i of [B,heads,T] stands.
struct Place {
    int64_t b, head, t;
};
__device__ inline Place place_of(int64_t i, int64_t heads, int64_t T) { return {i / T / heads, i / T % heads, i % T}; }

struct Interval {
    int64_t lo, hi;
};

// [lo, hi) of query t of sequence b, with the promises that are made about it.
__device__ inline Interval interval_of(const int32_t* lo, const int32_t* hi, int64_t b, int64_t t, int64_t T) {
    const int64_t n = b * T + t;
    device_check(0 <= lo[n] && hi[n] <= T);
    device_check(t == 0 || (lo[n - 1] <= lo[n] && hi[n - 1] <= hi[n]));
    return {lo[n], hi[n]};
}

// One warp for each of n rows, each with `floats` numbers of shared memory.
template <class Kernel, class... Args>
void launch_rows_with(int64_t floats, Kernel* kernel, int64_t n, Stream s, const Args&... args) {
    constexpr int64_t plenty = 48 * 1024;  // bytes that a block has without asking
    const size_t bytes = size_t(floats) * sizeof(float);
    const int warps = int(std::clamp<int64_t>(plenty / int64_t(bytes), 1, warps_per_block));
    if (n == 0) return;
    launch(kernel, blocks_for(n, warps), dim3(warp, unsigned(warps)), size_t(warps) * bytes, s, args...);
}

// Σ_d a[d]·b[d], in every lane.
template <class Scalar>
__device__ float dot(const Scalar* a, const Scalar* b, int64_t D) {
    float sum = 0;
    for (int64_t d = threadIdx.x; d < D; d += warp) sum += float(a[d]) * float(b[d]);
    return warp_sum(sum);
}

// One query against the keys and values [lo, hi), each `stride` elements after the one before. Writes y, returns lse.
//
// The softmax is online: `total` and `sums` are relative to the largest score so far, and shrink when a larger one comes.
// That score starts at the lowest float, because −∞ − (−∞) is not 0; so an empty interval gives y = 0 and lse = −∞.
template <class Scalar>
__device__ float attend(Scalar* y, float* sums, const Scalar* q, const Scalar* keys, const Scalar* values,
                        int64_t stride, int64_t lo, int64_t hi, int64_t D, float scale) {
    float top = std::numeric_limits<float>::lowest(), total = 0;
    for (int64_t d = threadIdx.x; d < D; d += warp) sums[d] = 0;
    for (int64_t u = lo; u < hi; ++u) {
        const float s = scale * dot(q, keys + u * stride, D);
        const float higher = fmaxf(top, s), shrink = expf(top - higher), p = expf(s - higher);
        top = higher;
        total = total * shrink + p;
        for (int64_t d = threadIdx.x; d < D; d += warp) sums[d] = sums[d] * shrink + p * float(values[u * stride + d]);
    }
    for (int64_t d = threadIdx.x; d < D; d += warp) y[d] = Scalar(total == 0 ? 0.f : sums[d] / total);
    return top + logf(total);
}

}  // namespace gradus::DEVICE
