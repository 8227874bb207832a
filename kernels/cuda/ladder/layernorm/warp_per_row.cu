// LayerNorm, one warp per row: the lanes read neighbouring elements, so an access of the warp is 64 or 128 bytes without a gap, and
// shuffles add the lanes' sums. The row is read three times, the second and third time from the cache.
#include "kernels/cuda/ladder/layernorm/layernorm.h"

namespace gradus::DEVICE::layernorm_ladder {

namespace {

template <class Scalar>
__global__ void warp_per_row_kernel(Rows<Scalar> r) {
    const int64_t n = row();
    const int lane = int(threadIdx.x);
    if (n >= r.N) return;
    const Scalar* const x = r.x + n * r.C;

    float sum = 0;
    for (int64_t c = lane; c < r.C; c += warp) sum += float(x[c]);
    const float mean = warp_sum(sum) / float(r.C);

    float squares = 0;
    for (int64_t c = lane; c < r.C; c += warp) squares += (float(x[c]) - mean) * (float(x[c]) - mean);
    const float rstd = 1 / sqrtf(warp_sum(squares) / float(r.C) + r.eps);

    for (int64_t c = lane; c < r.C; c += warp) {
        const float x_hat = (float(x[c]) - mean) * rstd;
        r.y[n * r.C + c] = Scalar(float(r.gain[c]) * x_hat + (r.bias ? float(r.bias[c]) : 0.f));
    }
    if (lane != 0) return;
    r.mean[n] = mean;
    r.rstd[n] = rstd;
}

}  // namespace

void warp_per_row(const LayerNormForward& a, Stream s) {
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_rows(warp_per_row_kernel<Scalar>, a.x.rows(), s, rows_of<Scalar>(a));
    });
}

}  // namespace gradus::DEVICE::layernorm_ladder
