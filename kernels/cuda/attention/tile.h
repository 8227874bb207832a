#pragma once
// Tiles of bf16 in shared memory for tensor cores: rows of heads, in 16-byte chunks of eight channels.
//
// Swizzle. ldmatrix reads eight rows at a time, one chunk of each. In plain row-major order these chunks would be in the same banks,
// because a row is a multiple of 32 bytes. So row r keeps its chunk c at place c ^ turn(r), where the turns of any eight consecutive
// rows differ as far as the row length does not already spread the rows over the banks. Then ldmatrix, the copies from global memory
// and the stores of results have no bank conflicts.
//
// The loads give the operands of mma_bf16 (kernels/cuda/primitives/matrix.h). With X the tile:
//   left(r, row, k)              A [16,16] = X[row …, 16k …]
//   right(r, row, k)             B [16,16] with B[i][j] = X[row + j, 16k + i]: the product is A · Xᵀ over channels
//   right_transposed(r, row, n)  B [16,16] with B[i][j] = X[row + i, 16n + j]: the product is A · X over rows
// A right operand is two B of mma_bf16, for the columns 0–7 and 8–15 of the result: multiply().
#include <numeric>

#include "kernels/cuda/common.h"
#include "kernels/cuda/primitives/async_copy.h"
#include "kernels/cuda/primitives/matrix.h"
#include "kernels/heads.h"

namespace gradus::DEVICE {

constexpr int tile_threads = 128, tile_warps = tile_threads / warp;
constexpr int chunk_size = 8;      // channels of 16 bytes
constexpr int fragment_rows = 16;  // rows of a left operand

using LeftOperand = unsigned[4];
using RightOperand = unsigned[4];
using Sums = float[4];  // of a result [16,8], as d of mma_bf16

template <int rows, int width>
struct Tile {
    static_assert(width % 16 == 0, "whole operands");
    static constexpr int size = rows * width;  // elements
    static constexpr int chunks = width / chunk_size;
    static constexpr int turns = std::gcd(chunks, 8), rows_a_turn = 8 / turns;

    bf16* memory;  // the block's shared memory
    int start;     // of the tile there, in elements

    __device__ int turn(int row) const { return int(unsigned(row) / rows_a_turn % turns); }
    __device__ bf16* chunk(int row, int c) const { return memory + start + row * width + (c ^ turn(row)) * chunk_size; }
    // The chunk 2·pair + odd of row + of_lane: as chunk(), but all that depends on the lane comes first, then a constant.
    __device__ const bf16* chunk_pair(int row, int of_lane, int pair, int odd) const {
        constexpr int pairs = turns / 2;  // within a group of chunks that trade places
        const int lane_part = start + of_lane * width + (odd ^ turn(of_lane)) * chunk_size;
        return memory + (lane_part ^ pair % pairs * 2 * chunk_size) + row * width + pair / pairs * turns * chunk_size;
    }

    __device__ void left(LeftOperand& r, int row, int k) const {
        const int lane = int(threadIdx.x) % warp;
        ldmatrix(r, chunk_pair(row, lane % 16, k, lane / 16));
    }
    __device__ void right(RightOperand& r, int row, int k) const {
        const int lane = int(threadIdx.x) % warp;
        ldmatrix(r, chunk_pair(row, lane / 16 * 8 + lane % 8, k, lane / 8 % 2));
    }
    __device__ void right_transposed(RightOperand& r, int row, int n) const {
        const int lane = int(threadIdx.x) % warp;
        ldmatrix_transposed(r, chunk_pair(row, lane % 16, n, lane / 16));
    }

    // Starts to copy the rows [first, end) of a head, at most `rows` of them, by all threads of the block. The rest is zeros: rows
    // from `end` on, and channels from D on. `turns` threads share a row: neighbouring threads write to different banks.
    __device__ void copy(const bf16* head, int64_t stride, int first, int end, int D) const {
        constexpr int rows_at_once = tile_threads / turns;
        static_assert(rows % rows_at_once == 0 && rows_at_once % 8 == 0, "whole steps, and the same turn in each");
        const int row = int(threadIdx.x) / turns, c = int(threadIdx.x) % turns;
        bf16* const to = chunk(row, c);
        const bf16* from = head + (first + row) * stride + c * chunk_size;
#pragma unroll
        for (int r = 0; r < rows; r += rows_at_once, from += rows_at_once * stride) {
            const int channels = first + row + r < end ? D - c * chunk_size : 0;
#pragma unroll
            for (int n = 0; n < width; n += turns * chunk_size) copy_async(to + r * width + n, from + n, n < channels);
        }
    }

    // Stores `count` rows from `row` on, by one warp, as rows from `first` to before `end` of a head, with D channels.
    template <int count>
    __device__ void store_rows(bf16* head, int64_t stride, int row, int first, int end, int D) const {
        constexpr int rows_at_once = warp / turns;
        const int lane = int(threadIdx.x) % warp, c = lane % turns;
#pragma unroll
        for (int r = lane / turns; r < count; r += rows_at_once) {
            if (first + r >= end) return;
            for (int n = 0; n + c * chunk_size < D; n += turns * chunk_size)
                store_pack(head + (first + r) * stride + c * chunk_size + n, load_pack(chunk(row + r, c) + n));
        }
    }
};

__device__ inline void multiply(Sums& first, Sums& second, const LeftOperand& a, const RightOperand& b) {
    const unsigned b_first[2] = {b[0], b[1]}, b_second[2] = {b[2], b[3]};
    mma_bf16(first, a, b_first);
    mma_bf16(second, a, b_second);
}

}  // namespace gradus::DEVICE
