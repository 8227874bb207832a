// LayerNorm, naive: one thread per row.
//
// The threads of a warp read 32 rows at once, C elements apart: every access of the warp touches 32 sectors of 32 bytes to use 2 or 4
// bytes of each. And a batch of 32,768 rows is only 1,024 warps.
#include "kernels/cuda/ladder/layernorm/layernorm.h"

namespace gradus::DEVICE::layernorm_ladder {

namespace {

template <class Scalar>
__global__ void naive_kernel(Rows<Scalar> r) {
    const int64_t n = element();
    if (n >= r.N) return;
    const Scalar* const x = r.x + n * r.C;

    float mean = 0;
    for (int64_t c = 0; c < r.C; ++c) mean += float(x[c]);
    mean /= float(r.C);

    float variance = 0;
    for (int64_t c = 0; c < r.C; ++c) variance += (float(x[c]) - mean) * (float(x[c]) - mean);
    const float rstd = 1 / sqrtf(variance / float(r.C) + r.eps);

    for (int64_t c = 0; c < r.C; ++c) {
        const float x_hat = (float(x[c]) - mean) * rstd;
        r.y[n * r.C + c] = Scalar(float(r.gain[c]) * x_hat + (r.bias ? float(r.bias[c]) : 0.f));
    }
    r.mean[n] = mean;
    r.rstd[n] = rstd;
}

}  // namespace

void naive(const LayerNormForward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(naive_kernel<Scalar>, a.x.rows(), s, rows_of<Scalar>(a));
    });
}

}  // namespace gradus::DEVICE::layernorm_ladder
