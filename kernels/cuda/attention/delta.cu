// delta of attention's backward, for packs: delta[t] = Σ_d d_y[t,d] · y[t,d]. The formulas are in kernels/attention.h.
//
// Plan. Eight lanes per row (b, h, t), which share its packs of 16 bytes: a warp has four rows, and loads 128 bytes of each at once.
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/backward_tiles.h"

namespace gradus::DEVICE {

namespace {

constexpr int lanes = 8;  // of a row

__global__ void attention_delta_kernel(float* delta, HeadRows<const bf16> d_y, HeadRows<const bf16> y, HeadSizes of) {
    const int64_t thread = element(), rows = of.B * of.H * of.Tq, i = min(thread / lanes, rows - 1);
    const auto [b, h, t] = row_index(i, of.H, of.Tq);
    const bf16 *const left = d_y.at(b, t, h), *const right = y.at(b, t, h);
    float sum = 0;
    for (int d = int(thread % lanes) * chunk_size; d < of.D; d += lanes * chunk_size) {
        const Pack<bf16> a = load_pack(left + d), c = load_pack(right + d);
        for (int e = 0; e < chunk_size; ++e) sum += float(a[e]) * float(c[e]);
    }
    for (int step = lanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(all_lanes, sum, step);
    if (thread < rows * lanes && thread % lanes == 0) delta[i] = sum;
}

}  // namespace

void attention_delta_tiles(const AttentionBackward& a, Stream s) {
    launch_elements(attention_delta_kernel, a.delta.size() * lanes, s, a.delta.as<float>(),
                    heads_of<const bf16>(a.d_y, a.Tq, a.D), heads_of<const bf16>(a.y, a.Tq, a.D), sizes_of(a));
}

}  // namespace gradus::DEVICE
