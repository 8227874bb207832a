// Vectorised: 16 bytes a load from global memory, a quarter of the instructions (bf16: an eighth), and 8 by 8 elements a thread, a
// quarter of a number of shared memory for a multiplication.
//
// The 8 rows of a thread are 4 and 4 more, 64 apart: the 16-byte reads of neighbouring threads then are of neighbouring banks.
#include "kernels/cuda/ladder/matmul/linear.h"

namespace gradus::DEVICE {

namespace {

constexpr int extent = 128, depth = 16, side = 16, threads = side * side, half = extent / 2;

// One pack of a row to a column of the transposed tile.
template <class Scalar>
__device__ void copy_tile(float (&tile)[depth][extent + 4], const Scalar* rows, int first, int end, int i, int I) {
    constexpr int width = Pack<Scalar>::size, packs = depth / width;
#pragma unroll
    for (int at = int(threadIdx.x); at < extent * packs; at += threads) {
        const int row = at / packs, k = at % packs * width;
        Pack<Scalar> pack = {};
        if (first + row < end && i + k < I) pack = load_pack(rows + int64_t(first + row) * I + i + k);
#pragma unroll
        for (int j = 0; j < width; ++j) tile[k + j][row] = float(pack[j]);
    }
}

template <class Scalar>
__global__ __launch_bounds__(threads, 1) void vectorised_kernel(LinearTask<Scalar> task) {
    SHARED(float, x, [depth][extent + 4]);
    SHARED(float, w, [depth][extent + 4]);
    const int n = int(blockIdx.y) * extent, o = int(blockIdx.x) * extent;
    const int tn = int(threadIdx.x) / side * 4, to = int(threadIdx.x) % side * 4;
    float sums[8][8] = {};
    for (int i = 0; i < task.I; i += depth) {
        copy_tile(x, task.x, n, task.N, i, task.I);
        copy_tile(w, task.w, o, task.O, i, task.I);
        __syncthreads();
#pragma unroll 4
        for (int j = 0; j < depth; ++j) {
            const Pack<float> of_x[2] = {load_pack(&x[j][tn]), load_pack(&x[j][half + tn])};
            const Pack<float> of_w[2] = {load_pack(&w[j][to]), load_pack(&w[j][half + to])};
#pragma unroll
            for (int k = 0; k < 8; ++k)
#pragma unroll
                for (int l = 0; l < 8; ++l) sums[k][l] += of_x[k / 4][k % 4] * of_w[l / 4][l % 4];
        }
        __syncthreads();
    }
#pragma unroll
    for (int k = 0; k < 8; ++k)
#pragma unroll
        for (int l = 0; l < 8; ++l)
            task.write(n + k / 4 * half + tn + k % 4, o + l / 4 * half + to + l % 4, sums[k][l]);
}

}  // namespace

void vectorised_linear(const LinearForward& a, Stream s) {
    if (!rows_are_packs(a)) return shipped_linear(a, s);
    with_task(a, [&](auto task) {
        launch(vectorised_kernel<typename decltype(task)::Element>, tiles_of(a, extent, extent), dim3(threads), 0, s,
               task);
    });
}

}  // namespace gradus::DEVICE
