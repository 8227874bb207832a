#pragma once
// Tiles of rows of heads in shared memory, in 16-byte chunks.
//
// Swizzle. ldmatrix reads eight rows at a time, one chunk of each. In plain row-major order these chunks would be in the same banks,
// because a row is a multiple of 32 bytes. So row r keeps its chunk c at place c ^ turn(r), where the turns of any eight consecutive
// rows differ as far as the row length does not already spread the rows over the banks. Then ldmatrix, the copies from global memory
// and the stores of results have no bank conflicts.
#include <numeric>

#include "kernels/cuda/common.h"
#include "kernels/cuda/primitives/async_copy.h"

namespace gradus::DEVICE {

constexpr int tile_threads = 128, tile_warps = tile_threads / warp;

template <class Element, int tile_rows, int tile_width>
struct Tile {
    using Scalar = Element;
    static constexpr int rows = tile_rows, width = tile_width;
    static constexpr int size = rows * width;               // elements
    static constexpr int chunk_size = 16 / sizeof(Scalar);  // elements
    static constexpr int chunks = width / chunk_size;
    static constexpr int turns = std::gcd(chunks, 8), rows_a_turn = 8 / turns;

    Scalar* memory;  // the block's shared memory
    int start;       // of the tile there, in elements

    __device__ int turn(int row) const { return int(unsigned(row) / rows_a_turn % turns); }
    __device__ Scalar* chunk(int row, int c) const {
        return memory + start + row * width + (c ^ turn(row)) * chunk_size;
    }
    // The chunk 2·pair + odd of row + of_lane: as chunk(), but all that depends on the lane comes first, then a constant.
    __device__ const Scalar* chunk_pair(int row, int of_lane, int pair, int odd) const {
        constexpr int pairs = turns / 2;  // within a group of chunks that trade places
        const int lane_part = start + of_lane * width + (odd ^ turn(of_lane)) * chunk_size;
        return memory + (lane_part ^ pair % pairs * 2 * chunk_size) + row * width + pair / pairs * turns * chunk_size;
    }

    // Starts to copy the rows [first, end) of a head, at most `rows` of them, by all threads of the block. The rest is zeros: rows
    // from `end` on, and channels from D on. `turns` threads share a row: neighbouring threads write to different banks.
    __device__ void copy(const Scalar* head, int64_t stride, int first, int end, int D) const {
        constexpr int rows_at_once = tile_threads / turns;
        static_assert(rows % rows_at_once == 0 && rows_at_once % 8 == 0, "whole steps, and the same turn in each");
        const int row = int(threadIdx.x) / turns, c = int(threadIdx.x) % turns;
        Scalar* const to = chunk(row, c);
        const Scalar* from = head + (first + row) * stride + c * chunk_size;
#pragma unroll
        for (int r = 0; r < rows; r += rows_at_once, from += rows_at_once * stride) {
            const int channels = first + row + r < end ? D - c * chunk_size : 0;
#pragma unroll
            for (int n = 0; n < width; n += turns * chunk_size) copy_async(to + r * width + n, from + n, n < channels);
        }
    }

    // Stores `count` rows from `row` on, by one warp, as rows from `first` to before `end` of a head, with D channels.
    template <int count>
    __device__ void store_rows(Scalar* head, int64_t stride, int row, int first, int end, int D) const {
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

}  // namespace gradus::DEVICE
