// LayerNorm with the row in registers: a lane requests all of its packs before it uses the first, and keeps them for the variance and the
// output. How many there are must be known at compile time, since registers have no index. Rows of more than four packs per lane, or of
// no whole packs, go to the shipped kernel, which has several warps for a long row and several rows in a warp if they are short.
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/ladder/layernorm/layernorm.h"
#include "kernels/cuda/parts.h"

namespace gradus::DEVICE::layernorm_ladder {

namespace {

constexpr int packs_of_lane = 4;

template <class Scalar>
__global__ void registers_kernel(Rows<Scalar> r) {
    constexpr int width = vector_width<Scalar>;
    const int64_t n = row();
    if (n >= r.N) return;
    Part<Scalar, width> x[packs_of_lane];
    const auto each = [&](auto visit) {
#pragma unroll
        for (int k = 0; k < packs_of_lane; ++k) {
            const int c = (k * warp + int(threadIdx.x)) * width;
            if (c < r.C) visit(x[k], c);
        }
    };
    each([&](auto& part, int c) { part = load_part<width>(r.x + n * r.C + c); });

    float sum = 0;
    each([&](const auto& part, int) {
        for (int i = 0; i < width; ++i) sum += part[i];
    });
    const float mean = warp_sum(sum) / float(r.C);

    float squares = 0;
    each([&](const auto& part, int) {
        for (int i = 0; i < width; ++i) squares += (part[i] - mean) * (part[i] - mean);
    });
    const float rstd = 1 / sqrtf(warp_sum(squares) / float(r.C) + r.eps);

    each([&](const auto& part, int c) {
        const auto gain = load_part<width>(r.gain + c);
        Part<Scalar, width> bias = {};
        if (r.bias) bias = load_part<width>(r.bias + c);
        store_part(r.y + n * r.C + c,
                   part_of<Scalar, width>([&](int i) { return gain[i] * ((part[i] - mean) * rstd) + bias[i]; }));
    });
    if (threadIdx.x != 0) return;
    r.mean[n] = mean;
    r.rstd[n] = rstd;
}

}  // namespace

void registers(const LayerNormForward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        const bool fits = a.x.last() <= warp * packs_of_lane * vector_width<Scalar>;
        if (!fits || !vectors_fit({a.y, a.x, a.gain, a.bias})) return layernorm_forward(a, s);
        launch_rows(registers_kernel<Scalar>, a.x.rows(), s, rows_of<Scalar>(a));
    });
}

}  // namespace gradus::DEVICE::layernorm_ladder
