#pragma once
// The results of mma_bf16 in registers: 16 rows, in tiles of eight columns (Sums). A thread holds two rows, lane / 4 and lane / 4 + 8,
// and of each tile the columns 2·(lane % 4) and the next. `half` 0 or 1 selects the row. Four neighbouring lanes share a row.
#include "kernels/cuda/attention/tile.h"
#include "kernels/cuda/primitives/conversion.h"

namespace gradus::DEVICE {

// The row, and the first column, of this thread.
__device__ inline int row_of_lane(int half) { return int(threadIdx.x) % warp / 4 + 8 * half; }
__device__ inline int column_of_lane() { return int(threadIdx.x) % 4 * 2; }

// Over the lanes that share a row; in each of them.
__device__ inline float row_sum(float x) {
    x += __shfl_xor_sync(all_lanes, x, 1);
    return x + __shfl_xor_sync(all_lanes, x, 2);
}
__device__ inline float row_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(all_lanes, x, 1));
    return fmaxf(x, __shfl_xor_sync(all_lanes, x, 2));
}

// The columns 16k … of a result, rounded to bf16, as the left operand of another product: both have the same layout.
template <int columns>
__device__ void left_of(LeftOperand& r, const Sums (&s)[columns], int k) {
    const Sums &first = s[2 * k], &second = s[2 * k + 1];
    r[0] = bf16_pair(first[0], first[1]);
    r[1] = bf16_pair(first[2], first[3]);
    r[2] = bf16_pair(second[0], second[1]);
    r[3] = bf16_pair(second[2], second[3]);
}

// Writes 16 rows of results, times a factor for each half, to the rows of a tile.
template <int columns, class Rows>
__device__ void put_sums(const Rows& tile, int row, const Sums (&s)[columns], float first_factor, float second_factor) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const float factor = half ? second_factor : first_factor;
#pragma unroll
        for (int n = 0; n < columns; ++n)
            *reinterpret_cast<unsigned*>(tile.chunk(row + row_of_lane(half), n) + column_of_lane()) =
                bf16_pair(s[n][2 * half] * factor, s[n][2 * half + 1] * factor);
    }
}

}  // namespace gradus::DEVICE
