#pragma once
// A row of logits, shared by the threads of one block in packs of 16 bytes: thread t takes the packs t, t + threads, …, and the last
// of them also the few elements after the last pack. Rows that do not begin at multiples of 16 are read one element at a time, by
// the same threads in the same order, so that the bits do not depend on the alignment.
//
// Statistics are computed in one pass (Milakov and Gimelshein 2018): a thread keeps the sum of exponentials relative to its largest
// logit so far, and rescales it when a pack has a larger one. Then the block combines those of its threads.
#include <numbers>

#include "kernels/cuda/packs.h"
#include "kernels/cuda/primitives/exp2.h"

namespace gradus::DEVICE {

constexpr int most_row_threads = 512;

template <class Scalar>
int row_threads(int64_t V) {
    const int64_t packs = (V + Pack<Scalar>::size - 1) / Pack<Scalar>::size;
    return int(std::min<int64_t>((packs + warp - 1) / warp * warp, most_row_threads));
}

// Calls visit(p, pack) for the packs of this thread in [first, last), both multiples of blockDim.x or the end of the row.
template <bool aligned, class Scalar, class Visit>
__device__ void each_own_pack(const Scalar* z, int first, int last, Visit&& visit) {
    each_pack<aligned>(z, first + int(threadIdx.x), int(blockDim.x), last, visit);
}

// Calls visit(v) for the elements after the last pack, in the thread whose turn it is.
template <class Scalar, class Visit>
__device__ void each_last_element(int64_t V, Visit&& visit) {
    constexpr int size = Pack<Scalar>::size;
    const int64_t packs = V / size;
    if (int64_t(threadIdx.x) != packs % int64_t(blockDim.x)) return;
    for (int64_t v = packs * size; v < V; ++v) visit(v);
}

// The exponential and the unit of its argument: power(unit · x) = eˣ. Results in bf16 do not need the last bits of expf(), and there
// is no time for them: a row of bf16 arrives twice as fast as one of f32.
template <class Scalar>
constexpr float unit = sizeof(Scalar) == 2 ? std::numbers::log2e_v<float> : 1.f;
template <class Scalar>
__device__ float power(float x) {
    if constexpr (sizeof(Scalar) == 2) return exp2_approximate(x);
    else return expf(x);
}

// The value subtracted before exp: the maximum, unless all logits are −∞, because −∞ − (−∞) is NaN.
__device__ inline float relative_to(float max) { return max == -infinity ? 0.f : max; }

// The statistics of some logits. The division by the temperature applies to differences of logits, because the difference of two
// close logits is exact.
template <class Scalar>
struct RowStatistics {
    float slope;                                        // unit / τ
    float max = -infinity, sum_exp = 0, logit_sum = 0;  // max and logit_sum: of z, not of x

    __device__ float term(float z) const { return power<Scalar>((z - relative_to(max)) * slope); }

    __device__ void raise(float other) {
        if (!(other > max)) return;
        sum_exp *= power<Scalar>((max - other) * slope);
        max = other;
    }

    __device__ void add(float z) {
        raise(z);
        sum_exp += term(z);
        logit_sum += z;
    }

    __device__ void add(const Pack<Scalar>& pack) {
        float highest = float(pack[0]);
#pragma unroll
        for (int i = 1; i < Pack<Scalar>::size; ++i) highest = fmaxf(highest, float(pack[i]));
        raise(highest);
#pragma unroll
        for (int i = 0; i < Pack<Scalar>::size; ++i) {
            sum_exp += term(float(pack[i]));
            logit_sum += float(pack[i]);
        }
    }

    // Of all threads of the block, in every thread. Called by all of them, and only once in a kernel.
    __device__ void combine() {
        SHARED(float, max_of_warps, [warp]);
        SHARED(float, sums_of_warps, [2][warp]);
        const int lane = int(threadIdx.x) % warp, own = int(threadIdx.x) / warp, warps = int(blockDim.x) / warp;
        float highest = warp_max(max);
        if (lane == 0) max_of_warps[own] = highest;
        __syncthreads();
        highest = warp_max(lane < warps ? max_of_warps[lane] : -infinity);
        raise(highest);

        sum_exp = warp_sum(sum_exp);
        logit_sum = warp_sum(logit_sum);
        if (lane == 0) {
            sums_of_warps[0][own] = sum_exp;
            sums_of_warps[1][own] = logit_sum;
        }
        __syncthreads();
        sum_exp = warp_sum(lane < warps ? sums_of_warps[0][lane] : 0.f);
        logit_sum = warp_sum(lane < warps ? sums_of_warps[1][lane] : 0.f);
    }
};

// d_z of the logits of one row, before the term of the target.
template <class Scalar>
struct RowGradient {
    float slope, shift, factor, offset;  // factor · power(z·slope − shift) − offset
    bool zero;                           // of an ignored target, or a coefficient of 0

    __device__ float of(float z) const { return zero ? 0.f : factor * power<Scalar>(z * slope - shift) - offset; }
    __device__ Pack<Scalar> of(const Pack<Scalar>& pack) const {
        if (zero) return {};
        float d[Pack<Scalar>::size];
#pragma unroll
        for (int i = 0; i < Pack<Scalar>::size; ++i) d[i] = of(float(pack[i]));
        return rounded_pack<Scalar>(d);
    }
};

}  // namespace gradus::DEVICE
