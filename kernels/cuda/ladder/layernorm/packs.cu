// LayerNorm with 16-byte accesses: a lane reads eight bf16 or four f32 at once, so a warp needs an eighth or a quarter of the loads, and
// each of them keeps as many more bytes in flight. Rows that are no whole packs go to the shipped kernel.
#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/ladder/layernorm/layernorm.h"
#include "kernels/cuda/parts.h"

namespace gradus::DEVICE::layernorm_ladder {

namespace {

template <class Scalar>
__global__ void packs_kernel(Rows<Scalar> r) {
    constexpr int width = vector_width<Scalar>;
    const int64_t n = row(), first = threadIdx.x * width, step = warp * width;
    if (n >= r.N) return;
    const Scalar* const x = r.x + n * r.C;

    float sum = 0;
    for (int64_t c = first; c < r.C; c += step) {
        const auto part = load_part<width>(x + c);
        for (int i = 0; i < width; ++i) sum += part[i];
    }
    const float mean = warp_sum(sum) / float(r.C);

    float squares = 0;
    for (int64_t c = first; c < r.C; c += step) {
        const auto part = load_part<width>(x + c);
        for (int i = 0; i < width; ++i) squares += (part[i] - mean) * (part[i] - mean);
    }
    const float rstd = 1 / sqrtf(warp_sum(squares) / float(r.C) + r.eps);

    for (int64_t c = first; c < r.C; c += step) {
        const auto part = load_part<width>(x + c), gain = load_part<width>(r.gain + c);
        Part<Scalar, width> bias = {};
        if (r.bias) bias = load_part<width>(r.bias + c);
        store_part(r.y + n * r.C + c,
                   part_of<Scalar, width>([&](int i) { return gain[i] * ((part[i] - mean) * rstd) + bias[i]; }));
    }
    if (threadIdx.x != 0) return;
    r.mean[n] = mean;
    r.rstd[n] = rstd;
}

}  // namespace

void packs(const LayerNormForward& a, Stream s) {
    if (!vectors_fit({a.y, a.x, a.gain, a.bias})) return layernorm_forward(a, s);
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(packs_kernel<Scalar>, a.x.rows(), s, rows_of<Scalar>(a));
    });
}

}  // namespace gradus::DEVICE::layernorm_ladder
