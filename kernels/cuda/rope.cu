// Rotary position embedding on a GPU. The formulas are in kernels/rope.h.
//
// Plan. One thread per pair of channels: it reads both, rotates them and writes them back, so the order of threads does not
// matter in place. Neighbouring threads have neighbouring pairs of a head.
#include "kernels/cuda/common.h"
#include "kernels/cuda/device_ops.h"
#include "kernels/rope.h"

namespace gradus::DEVICE {

namespace {

// A row has W channels, of which the first heads·D are heads; R pairs of each head are rotated.
template <class Scalar>
__global__ void rope_kernel(Scalar* x, const int32_t* positions, const float* rope_table, int64_t N, int64_t W,
                            int64_t heads, int64_t D, int64_t P, int64_t R, bool half_split, float direction) {
    const int64_t pair = element(), i = pair % R, h = pair / R % heads, n = pair / R / heads;
    if (n >= N) return;
    const int64_t p = positions[n];
    device_check(p >= 0 && p < P);
    const float c = rope_table[(p * R + i) * 2], s = rope_table[(p * R + i) * 2 + 1] * direction;

    Scalar* const head = x + n * W + h * D;
    Scalar* const first = head + (half_split ? i : 2 * i);
    Scalar* const second = head + (half_split ? i + R : 2 * i + 1);
    const float u = float(*first), v = float(*second);
    *first = Scalar(u * c - v * s);
    *second = Scalar(v * c + u * s);
}

// Forward rotates by (c, s), backward by (c, −s).
void rotate(const Rope& a, float direction, Stream s) {
    const int64_t N = a.x.rows(), W = a.x.last(), P = a.rope_table.shape.dim[0], R = a.rope_table.shape.dim[1];
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        launch_elements(rope_kernel<Scalar>, N * a.heads * R, s, a.x.as<Scalar>(), a.positions.as<int32_t>(),
                        a.rope_table.as<float>(), N, W, a.heads, a.D, P, R, a.layout == RopeLayout::half_split,
                        direction);
    });
}

}  // namespace

void rope_forward(const Rope& a, Stream s) { rotate(a, 1, s); }

void rope_backward(const Rope& a, Stream s) { rotate(a, -1, s); }

}  // namespace gradus::DEVICE
