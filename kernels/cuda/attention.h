#pragma once
// Shared by the attention kernels: sizes, a warp's dot product, and its loop over the keys of one query.
// Formulas: kernels/attention.h.
//
// A warp owns a row of D sums (y, d_q, …) in shared memory, for any D. Each lane accesses only the channels lane, lane + 32, …,
// so the lanes need no barrier.
#include "kernels/attention.h"
#include "kernels/cuda/common.h"

namespace gradus::DEVICE {

struct HeadSizes {
    int64_t B, Tq, Tk, H, G, D;

    __device__ int64_t group(int64_t h) const { return h * G / H; }
};

// Row i of [B,heads,T].
struct RowIndex {
    int64_t b, head, t;
};
__device__ inline RowIndex row_index(int64_t i, int64_t heads, int64_t T) {
    return {i / T / heads, i / T % heads, i % T};
}

struct Interval {
    int64_t lo, hi;
};

// [lo, hi) of query t of sequence b, checked.
__device__ inline Interval interval_of(const int32_t* lo, const int32_t* hi, int64_t b, int64_t t,
                                       const HeadSizes& of) {
    const int64_t n = b * of.Tq + t;
    device_check(0 <= lo[n] && hi[n] <= of.Tk);
    device_check(t == 0 || (lo[n - 1] <= lo[n] && hi[n - 1] <= hi[n]));
    return {lo[n], hi[n]};
}

// One warp per row, each with `floats` floats of shared memory.
template <class Kernel, class... Args>
void launch_rows_with(int64_t floats, Kernel* kernel, int64_t n, Stream s, const Args&... args) {
    constexpr int64_t available = 48 * 1024;  // bytes of dynamic shared memory per block without opting in to more
    const size_t bytes = size_t(floats) * sizeof(float);
    const int warps = int(std::clamp<int64_t>(available / int64_t(bytes), 1, warps_per_block));
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

// The rows of one head of a sequence.
template <class Scalar>
struct OneHead {
    const Scalar* data;
    int64_t stride;

    __device__ const Scalar* at(int64_t u) const { return data + u * stride; }
};
template <class Scalar>
__device__ OneHead<Scalar> one_head(const HeadRows<const Scalar>& rows, int64_t b, int64_t g) {
    return {rows.at(b, 0, g), rows.stride};
}

// One query against the keys and values [lo, hi). Writes y, returns lse.
//
// Online softmax: `sum_exp` and `sums` are relative to the largest score so far, and are rescaled when a larger one occurs.
// That maximum starts at the lowest float, because −∞ − (−∞) is NaN. An empty interval gives y = 0 and lse = −∞.
template <class Scalar, class Score>
__device__ float attend(Scalar* y, float* sums, const Scalar* q, const OneHead<Scalar>& keys,
                        const OneHead<Scalar>& values, int64_t lo, int64_t hi, int64_t D, float scale,
                        const QueryScore<Score>& score) {
    float max = std::numeric_limits<float>::lowest(), sum_exp = 0;
    for (int64_t d = threadIdx.x; d < D; d += warp) sums[d] = 0;
    for (int64_t u = lo; u < hi; ++u) {
        const float s = score(scale * dot(q, keys.at(u), D), u);
        const float higher = fmaxf(max, s), rescale = expf(max - higher), p = expf(s - higher);
        max = higher;
        sum_exp = sum_exp * rescale + p;
        for (int64_t d = threadIdx.x; d < D; d += warp) sums[d] = sums[d] * rescale + p * float(values.at(u)[d]);
    }
    for (int64_t d = threadIdx.x; d < D; d += warp) y[d] = Scalar(sum_exp == 0 ? 0.f : sums[d] / sum_exp);
    return max + logf(sum_exp);
}

}  // namespace gradus::DEVICE
