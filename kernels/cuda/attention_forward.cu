// Attention forward on a GPU. The formulas are in kernels/attention.h.
//
// Plan. One warp per query (b, h, t). It walks the keys [lo, hi) one by one with the softmax online, so that no row of
// scores is kept: attend() in kernels/cuda/attention.h. The lanes share the D channels, so every row of q, k and v is read
// coalesced; neighbouring warps have neighbouring queries and find each other's keys in the cache.
#include "kernels/attention.h"
#include "kernels/cuda/attention.h"
#include "kernels/cuda/device_ops.h"

namespace gradus::DEVICE {

namespace {

template <class Scalar>
__global__ void attention_forward_kernel(Scalar* y, float* lse, const Scalar* qkv, const int32_t* lo, const int32_t* hi,
                                         int64_t B, int64_t T, QkvRow at, float scale) {
    DYNAMIC_SHARED(float, shared);
    const auto [b, h, t] = place_of(row(), at.H, T);
    if (b >= B) return;
    const int64_t n = b * T + t, g = at.group(h);
    const auto [first, last] = interval_of(lo, hi, b, t, T);
    const float mine = attend(y + (n * at.H + h) * at.D, shared + threadIdx.y * at.D, qkv + at.query(n, h),
                              qkv + at.key(b * T, g), qkv + at.value(b * T, g), at.width(), first, last, at.D, scale);
    if (threadIdx.x == 0) lse[row()] = mine;
}

}  // namespace

void attention_forward(const AttentionForward& a, Stream s) {
    by_dtype(a.qkv.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows_with(a.D, attention_forward_kernel<Scalar>, a.lse.size(), s, a.y.as<Scalar>(), a.lse.as<float>(),
                         a.qkv.as<Scalar>(), a.lo.as<int32_t>(), a.hi.as<int32_t>(), a.B, a.T, QkvRow{a.H, a.G, a.D},
                         float(a.scale));
    });
}

}  // namespace gradus::DEVICE
