#pragma once
// A tile of an operand in shared memory, as the tensor cores of sm_80 read it: `extent` rows of A, or columns of B, by `depth` of k.
//
// Its rows are those of the operand in global memory, so copies are of 16-byte chunks in both layouts:
//   Major::k    a row is one of the extent, with `depth` elements of k
//   Major::mn   a row is one k, with `extent` elements; ldmatrix transposes it
//
// Swizzle. ldmatrix reads a column of chunks of eight rows in one cycle if they lie in different banks, of which 128 bytes hold 8
// chunks. Without a swizzle the rows of a 128-byte line of banks start at the same bank. So chunk c of a row is stored at place
// c ^ (row mod 8), with rows of 4 chunks, two to a line, at c ^ (row / 2 mod 4).
#include "kernels/cuda/common.h"
#include "kernels/cuda/primitives/async_copy.h"
#include "kernels/cuda/primitives/matrix.h"
#include "kernels/cuda/primitives/warp.h"
#include "kernels/cuda/primitives/warpgroup.h"

namespace gradus::DEVICE {

constexpr int chunk = Pack<bf16>::size;

template <Major major, int extent, int depth>
struct OperandTile {
    static constexpr int rows = major == Major::k ? extent : depth, row = major == Major::k ? depth : extent;
    static constexpr int chunks = row / chunk, elements = rows * row;
    static constexpr int rows_of_line = chunks < 8 ? 8 / chunks : 1, lines = chunks < 8 ? chunks : 8;

    static __device__ int offset(int r, int c) { return r * row + (c ^ r / rows_of_line % lines) * chunk; }

    // Eight rows by 16 bytes per matrix; first: the first of 16 of the extent; k: the first of 16 of the depth.
    static __device__ void load(unsigned (&matrices)[4], const bf16* tile, int r, int c) {
        const bf16* const from = tile + offset(r, c);
        if constexpr (major == Major::k) ldmatrix(matrices, from);
        else ldmatrix_transposed(matrices, from);
    }

    // The fragments of A for 16 rows (primitives/matrix.h).
    static __device__ void load_a(unsigned (&a)[4], const bf16* tile, int first, int k) {
        const int lane = lane_of_warp();
        if constexpr (major == Major::k) load(a, tile, first + lane % 16, k / chunk + lane / 16);
        else load(a, tile, k + lane / 16 * 8 + lane % 8, first / chunk + lane / 8 % 2);
    }

    // The fragments of B for 8 columns and 8 more.
    static __device__ void load_b(unsigned (&b)[2], unsigned (&more)[2], const bf16* tile, int first, int k) {
        const int lane = lane_of_warp();
        unsigned both[4];
        if constexpr (major == Major::k) load(both, tile, first + lane / 16 * 8 + lane % 8, k / chunk + lane / 8 % 2);
        else load(both, tile, k + lane % 16, first / chunk + lane / 16);
        b[0] = both[0], b[1] = both[1], more[0] = both[2], more[1] = both[3];
    }
};

// The copies of one thread: of each tile along k the same chunks of the same rows, `threads` / chunks rows apart.
template <Major major, int extent, int depth, int threads>
class OperandCopies {
    using Tile = OperandTile<major, extent, depth>;
    static constexpr int rows_apart = threads / Tile::chunks, passes = Tile::rows / rows_apart;
    static_assert(threads % Tile::chunks == 0 && Tile::rows % rows_apart == 0, "each thread has as many chunks");
    static_assert(rows_apart % 8 == 0, "the rows of a thread have the same swizzle");

public:
    // The tile at `first` of the extent, which ends at `extent_end`, and at k, which ends at k_end.
    __device__ OperandCopies(const void* operand, int64_t stride, int first, int extent_end, int k, int k_end) {
        const int r = int(threadIdx.x) / Tile::chunks, c = int(threadIdx.x) % Tile::chunks;
        const int first_row = (major == Major::k ? first : k) + r, column = (major == Major::k ? k : first) + c * chunk;
        from_ = static_cast<const bf16*>(operand) + first_row * stride + column;
        pass_stride_ = rows_apart * stride;
        tile_stride_ = major == Major::k ? depth : depth * stride;
        rows_left_ = (major == Major::k ? extent_end : k_end) - first_row;
        columns_left_ = (major == Major::k ? k_end : extent_end) - column;
        offset_ = Tile::offset(r, c);
    }

    // Starts the copies of the next tile; elements outside the operand are zeros.
    __device__ void start(bf16* tile) {
        const int columns = max(0, min(chunk, columns_left_));
#pragma unroll
        for (int i = 0; i < passes; ++i)
            copy_async_part(tile + offset_ + i * rows_apart * Tile::row, from_ + i * pass_stride_,
                            i * rows_apart < rows_left_ ? columns * int(sizeof(bf16)) : 0);
        from_ += tile_stride_;
        (major == Major::k ? columns_left_ : rows_left_) -= depth;
    }

private:
    const bf16* from_;
    int64_t pass_stride_, tile_stride_;
    int rows_left_, columns_left_, offset_;
};

}  // namespace gradus::DEVICE
