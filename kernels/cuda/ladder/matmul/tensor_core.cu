// Tensor cores: a warp multiplies 16 by 16 by 8 matrices of bf16 with one instruction, about 16 times the rate of the CUDA cores. A
// warp computes 32 by 32 elements of y, a block of 4 warps 64 by 64.
//
// ldmatrix loads the operands from shared memory in the order that mma takes them: eight rows of 16 bytes in one cycle, if they lie
// in different banks. A row of a slice is 64 bytes, 80 with its gap: eight rows then begin at eight different groups of four banks.
#include "kernels/cuda/ladder/matmul/linear.h"
#include "kernels/cuda/primitives/async_copy.h"
#include "kernels/cuda/primitives/matrix.h"

namespace gradus::DEVICE {

namespace {

constexpr int extent = 64, depth = 32, threads = 128, of_warp = 32, width = Pack<bf16>::size;

using Rows = bf16[extent][depth + width];

__device__ void start(Rows& tile, const bf16* from, int first, int end, int i, int I) {
    constexpr int packs = depth / width;
#pragma unroll
    for (int at = int(threadIdx.x); at < extent * packs; at += threads) {
        const int row = at / packs, k = at % packs * width;
        copy_async(&tile[row][k], from + int64_t(first + row) * I + i + k, first + row < end && i + k < I);
    }
}

__global__ __launch_bounds__(threads, 1) void tensor_core_kernel(LinearTask<bf16> task) {
    SHARED(bf16, x, [2][extent][depth + width]);
    SHARED(bf16, w, [2][extent][depth + width]);
    const int n = int(blockIdx.y) * extent, o = int(blockIdx.x) * extent, lane = int(threadIdx.x) % warp;
    const int wn = int(threadIdx.x) / warp / 2 * of_warp, wo = int(threadIdx.x) / warp % 2 * of_warp;
    const auto start_both = [&](int slot, int i) {
        start(x[slot], task.x, n, task.N, i, task.I);
        start(w[slot], task.w, o, task.O, i, task.I);
        copy_async_commit();
    };
    float sums[2][4][4] = {};
    start_both(0, 0);
    for (int i = 0, slot = 0; i < task.I; i += depth, slot ^= 1) {
        start_both(slot ^ 1, i + depth);
        copy_async_wait<1>();
        __syncthreads();
#pragma unroll
        for (int k = 0; k < depth; k += 16) {
            unsigned a[2][4], b[4][2];
#pragma unroll
            for (int m = 0; m < 2; ++m) ldmatrix(a[m], &x[slot][wn + 16 * m + lane % 16][k + lane / 16 * 8]);
#pragma unroll
            for (int l = 0; l < 4; ++l) ldmatrix(b[l], &w[slot][wo + 8 * l + lane % 8][k + lane / 8 % 2 * 8]);
#pragma unroll
            for (int m = 0; m < 2; ++m)
#pragma unroll
                for (int l = 0; l < 4; ++l) mma_bf16(sums[m][l], a[m], b[l]);
        }
        __syncthreads();
    }
#pragma unroll
    for (int m = 0; m < 2; ++m)
#pragma unroll
        for (int l = 0; l < 4; ++l)
#pragma unroll
            for (int j = 0; j < 4; ++j)
                task.write(n + wn + 16 * m + lane / 4 + j / 2 * 8, o + wo + 8 * l + lane % 4 * 2 + j % 2,
                           sums[m][l][j]);
}

}  // namespace

void tensor_core_linear(const LinearForward& a, Stream s) {
    if (a.x.dtype != DType::bf16 || !rows_are_packs(a)) return shipped_linear(a, s);
    with_task(a, [&](auto task) {
        if constexpr (std::is_same_v<decltype(task), LinearTask<bf16>>)
            launch(tensor_core_kernel, tiles_of(a, extent, extent), dim3(threads), 0, s, task);
    });
}

}  // namespace gradus::DEVICE
