#pragma once
// 16 rows of a warp's sums on their way through shared memory, from the fragments of mma and wgmma, which are two columns wide, to
// accesses of 16 bytes of c that are contiguous over the warp.
//
// Swizzle. Chunks of 4 sums, 16 bytes, are permuted within a row: chunk c of row r is stored at c ^ c / 8 ^ (r mod 4 · 2 + r mod 2).
// Half a warp writes 8 bytes a lane to two chunks of four rows, a quarter reads 16 bytes a lane of neighbouring chunks (f32) or of every other
// (bf16): each time these are eight different groups of banks.
#include "kernels/cuda/matmul/task.h"
#include "kernels/cuda/primitives/warp.h"

namespace gradus::DEVICE {

template <int columns>
struct Strip {
    static constexpr int rows = 16, chunk_sums = 4, sums = rows * columns;
    static_assert(columns == 32 || columns == 64, "8 or 16 chunks");

    static __device__ int offset(int r, int c) { return r * columns + (c ^ c / 8 ^ (r % 4 * 2 + r % 2)) * chunk_sums; }

    // pair(j, half): the two sums of fragment j, of columns 8·j to 8·j + 7, in row lane / 4 + 8·half.
    template <class Pair>
    static __device__ void write(float* strip, const Pair& pair) {
        const int lane = lane_of_warp();
#pragma unroll
        for (int j = 0; j < columns / 8; ++j)
#pragma unroll
            for (int half = 0; half < 2; ++half)
                store_double_word(strip + offset(lane / 4 + 8 * half, 2 * j + lane % 4 / 2) + lane % 2 * 2,
                                  pair(j, half));
    }

    // The elements of c from (m, n) on.
    template <class Result, MatmulEnd end>
    static __device__ void finish(const MatmulTask& task, const float* strip, int split, int m, int n) {
        constexpr int width = Pack<Result>::size, packs = columns / width;
        for (int i = lane_of_warp(); i < rows * packs; i += warp) {
            const int r = i / packs, column = i % packs * width;
            float values[width];
#pragma unroll
            for (int k = 0; k < width; k += chunk_sums) {
                const Pack<float> some = load_pack(strip + offset(r, (column + k) / chunk_sums));
#pragma unroll
                for (int l = 0; l < chunk_sums; ++l) values[k + l] = some[l];
            }
            finish_split<Result, end>(task, values, split, m + r, n + column);
        }
    }
};

}  // namespace gradus::DEVICE
