#pragma once
// Tiles for wgmma in each of its layouts, [rows][64] of bf16: the addresses of elements, and the descriptors of the four slices
// of 16 k. As in real kernels, the swizzle patterns are contiguous.
#include "kernels/cuda/primitives/warpgroup.h"
#include "kernels/scalar.h"

namespace gradus::DEVICE {

constexpr int tile_depth = 64;  // of k

template <int rows>
struct alignas(1024) TileStorage {
    bf16 elements[rows * tile_depth];
};

template <Major major, Swizzle swizzle, int rows>
struct Tile {
    static constexpr int width = swizzle == Swizzle::bytes_128  ? 128
                                 : swizzle == Swizzle::bytes_64 ? 64
                                 : swizzle == Swizzle::bytes_32 ? 32
                                                                : 16;
    static constexpr int across = width / 2;  // elements of a row of the pattern
    TileStorage<rows>& room;

    // i of m or n.
    __device__ bf16& operator()(int i, int k) const {
        const int outer = major == Major::k ? i : k, inner = major == Major::k ? k : i;
        constexpr int outers = major == Major::k ? rows : tile_depth;
        const int byte = inner / across * (outers * width) + outer * width + inner % across * 2;
        const int swizzled = byte ^ (byte & (width / 16 - 1) << 7) >> 3;
        return room.elements[swizzled / 2];
    }

    // Of the 16 columns from k.
    __device__ MatrixDescriptor slice(int k) const {
        constexpr int panel = (major == Major::k ? rows : tile_depth) * width;  // bytes of one width of the tile
        constexpr int eight_rows = 8 * width;
        int start, leading = panel, stride = eight_rows;
        if (major == Major::k) {
            start = k / across * panel + k % across * 2;
        } else {
            start = k / 8 * eight_rows;
            if (swizzle == Swizzle::none) leading = eight_rows, stride = panel;
        }
        return matrix_descriptor(reinterpret_cast<const char*>(room.elements) + start, unsigned(leading),
                                 unsigned(stride), swizzle);
    }
};

// Row and column of d[i] of this thread.
__device__ inline int row_of_sum(int i) {
    return int(threadIdx.x) % 128 / 32 * 16 + int(threadIdx.x) % 32 / 4 + i / 2 % 2 * 8;
}
__device__ inline int column_of_sum(int i) { return i / 4 * 8 + int(threadIdx.x) % 4 * 2 + i % 2; }

// y [64][columns] = A [64][64] · B [columns][64]ᵀ, by one warpgroup; A from registers or from shared memory.
template <bool a_in_registers, Major a_major, Major b_major, Swizzle swizzle, int columns, class A, class B>
__device__ void tile_matmul(TileStorage<64>& a_room, TileStorage<columns>& b_room, A a_of, B b_of, float* y) {
    const int t = int(threadIdx.x);
    const Tile<a_major, swizzle, 64> a{a_room};
    const Tile<b_major, swizzle, columns> b{b_room};
    for (int i = t; i < 64 * tile_depth; i += 128)
        a(i / tile_depth, i % tile_depth) = bf16(a_of(i / tile_depth, i % tile_depth));
    for (int i = t; i < columns * tile_depth; i += 128)
        b(i / tile_depth, i % tile_depth) = bf16(b_of(i / tile_depth, i % tile_depth));
    fence_async();
    __syncthreads();

    float d[columns / 2];
    if constexpr (a_in_registers) {
        const auto pair = [&](int row, int k) {
            return unsigned(bf16(a_of(row, k)).bits) | unsigned(bf16(a_of(row, k + 1)).bits) << 16;
        };
        unsigned fragments[tile_depth / 16][4];
        for (int slice = 0; slice < tile_depth / 16; ++slice)
            for (int i = 0; i < 4; ++i)
                fragments[slice][i] = pair(row_of_sum(2 * i), 16 * slice + t % 4 * 2 + i / 2 * 8);
        wgmma_fence(d);
#pragma unroll
        for (int slice = 0; slice < tile_depth / 16; ++slice)
            wgmma<b_major>(d, fragments[slice], b.slice(16 * slice), slice != 0);
        wgmma_commit();
        wgmma_wait<0>(d);
    } else {
        wgmma_fence(d);
#pragma unroll
        for (int slice = 0; slice < tile_depth / 16; ++slice)
            wgmma<a_major, b_major>(d, a.slice(16 * slice), b.slice(16 * slice), slice != 0);
        wgmma_commit();
        wgmma_wait<0>(d);
    }
    for (int i = 0; i < columns / 2; ++i) y[row_of_sum(i) * columns + column_of_sum(i)] = d[i];
    __syncthreads();
}

}  // namespace gradus::DEVICE
