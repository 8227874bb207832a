// Rotary position embedding on a GPU. The formulas are in kernels/rope.h.
//
// Plan. One block per row, and a group of threads per head (rotation.h). A thread reads both parts of a share, rotates them and writes
// them back, so the order of threads does not matter in place. It has the same share of head after head, so it reads the angles once.
#include "kernels/rope.h"

#include "kernels/cuda/device_ops.h"
#include "kernels/cuda/rotation.h"

namespace gradus::DEVICE {

namespace {

// A row has `heads` heads, at least; R pairs of each are rotated.
template <class Share, class Scalar>
__global__ void rope_kernel(RowHeads<Scalar> x, const int32_t* positions, const float* rope_table, int heads, int D,
                            int64_t P, int R, float direction) {
    const int64_t n = blockIdx.x, p = positions[n];
    device_check(p >= 0 && p < P);
    for (int j = int(threadIdx.x); j < R / Share::width; j += int(blockDim.x)) {
        const Share share(j, R, D);
        const auto turn = share.angles(rope_table + p * R * 2, direction);
        for (int h = int(threadIdx.y); h < heads; h += int(blockDim.y)) {
            float values[2 * Share::width];
            share.load(values, x.at(n, h, D));
            share.rotate(values, turn);
            share.store(x.at(n, h, D), values);
        }
    }
}

// Forward rotates by (c, s), backward by (c, −s).
void rotate(const Rope& a, float direction, Stream s) {
    const int64_t N = a.x.rows(), P = a.rope_table.shape.dim[0], R = a.rope_table.shape.dim[1];
    if (N == 0 || R == 0) return;
    by_dtype(a.x.dtype, [&](auto kind) {
        using Scalar = decltype(kind);
        by_share<Scalar>(vectors_fit({a.x, a.rope_table.view({P, 2 * R})}), R, a.D, a.layout, [&](auto type) {
            using Share = typename decltype(type)::type;
            launch(rope_kernel<Share, Scalar>, blocks_for(N, 1), head_block(int(R) / Share::width, a.heads), 0, s,
                   row_heads<Scalar>(a.x), a.positions.as<int32_t>(), a.rope_table.as<float>(), a.heads, a.D, P, int(R),
                   direction);
        });
    });
}

}  // namespace

void rope_forward(const Rope& a, Stream s) { rotate(a, 1, s); }

void rope_backward(const Rope& a, Stream s) { rotate(a, -1, s); }

}  // namespace gradus::DEVICE
