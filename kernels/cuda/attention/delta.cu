// delta of attention's backward, for packs: delta[t] = Σ_d d_y[t,d] · y[t,d]. The formulas are in kernels/attention.h.
//
// Plan. Eight lanes per row (b, h, t), which share its packs of 16 bytes: a warp has four rows, and loads 128 bytes of each at once.
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/backward_tiles.h"

namespace gradus::DEVICE {

namespace {

constexpr int lanes = 8;  // of a row

template <class Scalar>
__global__ void attention_delta_kernel(float* delta, HeadRows<const Scalar> d_y, HeadRows<const Scalar> y,
                                       HeadSizes of) {
    constexpr int pack = Pack<Scalar>::size;
    const int64_t thread = element(), rows = of.B * of.H * of.Tq, i = min(thread / lanes, rows - 1);
    const auto [b, h, t] = row_index(i, of.H, of.Tq);
    const Scalar *const left = d_y.at(b, t, h), *const right = y.at(b, t, h);
    float sum = 0;
    for (int d = int(thread % lanes) * pack; d < of.D; d += lanes * pack) {
        const Pack<Scalar> a = load_pack(left + d), c = load_pack(right + d);
        for (int e = 0; e < pack; ++e) sum += float(a[e]) * float(c[e]);
    }
    for (int step = lanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(all_lanes, sum, step);
    if (thread < rows * lanes && thread % lanes == 0) delta[i] = sum;
}

}  // namespace

void attention_delta_tiles(const AttentionBackward& a, Stream s) {
    by_dtype(a.q.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(attention_delta_kernel<Scalar>, a.delta.size() * lanes, s, a.delta.as<float>(),
                        heads_of<const Scalar>(a.d_y, a.Tq, a.D), heads_of<const Scalar>(a.y, a.Tq, a.D), sizes_of(a));
    });
}

}  // namespace gradus::DEVICE
