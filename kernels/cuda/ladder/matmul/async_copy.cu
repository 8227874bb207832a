// Asynchronous copies: the tiles of the next slice of i are on their way to shared memory while this slice is multiplied, so no warp
// waits for global memory. cp.async copies 16 bytes without registers, and therefore as they are: rows stay rows, [n][i].
//
// A thread reads 4 numbers along i of each of its rows. Its rows are 16 apart, and a row has 4 numbers more than a slice: the rows
// of 8 neighbouring threads lie in different banks.
#include "kernels/cuda/ladder/matmul/linear.h"
#include "kernels/cuda/primitives/async_copy.h"

namespace gradus::DEVICE {

namespace {

constexpr int extent = 128, side = 16, threads = side * side, each = extent / side, slice_bytes = 64;

template <class Scalar>
struct Tile {
    static constexpr int width = Pack<Scalar>::size, depth = slice_bytes / int(sizeof(Scalar));
    Scalar rows[extent][depth + width];

    __device__ void start(const Scalar* from, int first, int end, int i, int I) {
        constexpr int packs = depth / width;
#pragma unroll
        for (int at = int(threadIdx.x); at < extent * packs; at += threads) {
            const int row = at / packs, k = at % packs * width;
            copy_async(&rows[row][k], from + int64_t(first + row) * I + i + k, first + row < end && i + k < I);
        }
    }
};

// Four numbers from i of a row.
__device__ void read(float (&four)[4], const float* row, int i) {
    const Pack<float> pack = load_pack(row + i);
#pragma unroll
    for (int j = 0; j < 4; ++j) four[j] = pack[j];
}
__device__ void read(float (&four)[4], const bf16* row, int i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) four[j] = float(row[i + j]);
}

template <class Scalar>
__global__ __launch_bounds__(threads, 1) void async_copy_kernel(LinearTask<Scalar> task) {
    using Part = Tile<Scalar>;
    DYNAMIC_SHARED(Part, slots);  // x, w, and both of the next slice
    const int n = int(blockIdx.y) * extent, o = int(blockIdx.x) * extent;
    const int tn = int(threadIdx.x) / side, to = int(threadIdx.x) % side;
    const auto start = [&](int slot, int i) {
        slots[2 * slot].start(task.x, n, task.N, i, task.I);
        slots[2 * slot + 1].start(task.w, o, task.O, i, task.I);
        copy_async_commit();
    };
    float sums[each][each] = {};
    start(0, 0);
    for (int i = 0, slot = 0; i < task.I; i += Part::depth, slot ^= 1) {
        start(slot ^ 1, i + Part::depth);
        copy_async_wait<1>();
        __syncthreads();
#pragma unroll 1
        for (int j = 0; j < Part::depth; j += 4) {
            float of_w[each][4];
#pragma unroll
            for (int l = 0; l < each; ++l) read(of_w[l], slots[2 * slot + 1].rows[to + l * side], j);
#pragma unroll
            for (int k = 0; k < each; ++k) {
                float of_x[4];
                read(of_x, slots[2 * slot].rows[tn + k * side], j);
#pragma unroll
                for (int l = 0; l < each; ++l)
#pragma unroll
                    for (int m = 0; m < 4; ++m) sums[k][l] += of_x[m] * of_w[l][m];
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int k = 0; k < each; ++k)
#pragma unroll
        for (int l = 0; l < each; ++l) task.write(n + tn + k * side, o + to + l * side, sums[k][l]);
}

}  // namespace

void async_copy_linear(const LinearForward& a, Stream s) {
    if (!rows_are_packs(a)) return shipped_linear(a, s);
    with_task(a, [&](auto task) {
        using Scalar = typename decltype(task)::Element;
        launch(async_copy_kernel<Scalar>, tiles_of(a, extent, extent), dim3(threads), 4 * sizeof(Tile<Scalar>), s,
               task);
    });
}

}  // namespace gradus::DEVICE
