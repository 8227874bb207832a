// Register tile: a thread computes 4 by 4 elements of y. For each i it reads 4 numbers of x and 4 of w from shared memory into
// registers, and multiplies all pairs: half a number for a multiplication instead of two.
//
// The tiles in shared memory are transposed, [i][n], so that a thread reads its 4 numbers at once.
#include "kernels/cuda/ladder/matmul/linear.h"

namespace gradus::DEVICE {

namespace {

constexpr int extent = 64, depth = 16, side = 16, each = extent / side;

template <class Scalar>
__global__ void register_tile_kernel(LinearTask<Scalar> task) {
    SHARED(float, x, [depth][extent + 4]);
    SHARED(float, w, [depth][extent + 4]);
    const int n = int(blockIdx.y) * extent, o = int(blockIdx.x) * extent;
    const int tn = int(threadIdx.y) * each, to = int(threadIdx.x) * each;
    float sums[each][each] = {};
    for (int i = 0; i < task.I; i += depth) {
#pragma unroll
        for (int k = 0; k < extent; k += side) {
            x[threadIdx.x][threadIdx.y + k] = task.x_at(n + int(threadIdx.y) + k, i + int(threadIdx.x));
            w[threadIdx.x][threadIdx.y + k] = task.w_at(o + int(threadIdx.y) + k, i + int(threadIdx.x));
        }
        __syncthreads();
#pragma unroll
        for (int j = 0; j < depth; ++j) {
            const Pack<float> of_x = load_pack(&x[j][tn]), of_w = load_pack(&w[j][to]);
#pragma unroll
            for (int k = 0; k < each; ++k)
#pragma unroll
                for (int l = 0; l < each; ++l) sums[k][l] += of_x[k] * of_w[l];
        }
        __syncthreads();
    }
#pragma unroll
    for (int k = 0; k < each; ++k)
#pragma unroll
        for (int l = 0; l < each; ++l) task.write(n + tn + k, o + to + l, sums[k][l]);
}

}  // namespace

void register_tile_linear(const LinearForward& a, Stream s) {
    with_task(a, [&](auto task) {
        launch(register_tile_kernel<typename decltype(task)::Element>, tiles_of(a, extent, extent), dim3(side, side), 0,
               s, task);
    });
}

}  // namespace gradus::DEVICE
