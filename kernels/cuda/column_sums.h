#pragma once
// Sums over the rows of a matrix, for each column: the gradients of biases and gains. Two stages, in an order that depends only on the
// shapes and on the size of the workspace:
//
//   1   the rows are split; each split adds its rows in registers, and writes one row of partial sums to Stream::workspace
//   2   add_partials() adds the partial sums of each column
//
// With one split, or without a workspace, the first stage adds to the result itself.
#include "kernels/cuda/parts.h"

namespace gradus::DEVICE {

constexpr int most_sums = 2;     // per column
constexpr int column_warps = 8;  // of a block
constexpr int column_blocks_of_sm = 4;
constexpr int column_blocks =
    column_blocks_of_sm * 132;  // the SMs of an H100: constant, so that every GPU gives the same bits
constexpr int least_rows_of_split = 32;

// Where the sums of a call go: sum s of column c is added to total[s][c], which may be null. partials: [splits, most_sums, C].
//
// Threads that have parts of `width` columns each write packs of four. In a row of partial sums the first packs of all parts come
// first, then the second ones: so neighbouring threads write neighbouring packs. With a width of 4 that is the order of the columns.
constexpr int four_columns = 4;

struct ColumnTotals {
    float* total[most_sums] = {};
    float* partials = nullptr;
    int splits = 1, width = four_columns;

    // Of column c, the first of four.
    template <int width_of_parts>
    __device__ int place_of(int c, int C) const {
        return c % width_of_parts * (C / width_of_parts) + c / width_of_parts * four_columns;
    }
    __device__ int64_t column_at(int64_t place, int64_t C) const {
        const int64_t packs = C / width * four_columns;  // elements of the first packs
        if (width == four_columns) return place;
        return place % packs / four_columns * width + place / packs * four_columns + place % four_columns;
    }
    // total[s], without an index that would put the array in local memory
    __device__ float* of(int64_t s) const { return s == 0 ? total[0] : total[1]; }
};

// ---- on the host -----------------------------------------------------------------------------------------------

// At most `splits`, but no more than the workspace has room for.
inline ColumnTotals column_totals(float* first, float* second, int64_t splits, int64_t C, Stream s,
                                  int width = four_columns) {
    const auto room = int64_t(s.workspace_bytes / (most_sums * sizeof(float))) / C;
    return {
        {first, second}, static_cast<float*>(s.workspace), int(std::max<int64_t>(1, std::min(splits, room))), width};
}

// The second stage. Nothing to do with one split.
void add_partials(const ColumnTotals& totals, int64_t C, Stream s);

// ---- in a kernel -----------------------------------------------------------------------------------------------

// Hands the sum s of column c over the split's rows to the second stage, where the order is that of the columns.
__device__ inline void write_sum(const ColumnTotals& totals, int64_t split, int s, int64_t c, int64_t C, float sum) {
    if (totals.splits > 1) totals.partials[(split * most_sums + s) * C + c] = sum;
    else if (float* const total = totals.of(s)) total[c] += sum;
}

// The same for four columns from c on, which have this place.
__device__ inline void write_sums(const ColumnTotals& totals, int64_t split, int s, int c, int place, int C,
                                  const Pack<float>& sum) {
    if (totals.splits > 1) {
        store_pack(totals.partials + (split * most_sums + s) * C + place, sum);
    } else if (float* const total = totals.of(s)) {
        for (int i = 0; i < four_columns; ++i) total[c + i] += sum[i];
    }
}

// Terms has `static constexpr int sums, width` and add(sums, n, c), which adds the terms of row n and the columns c, …, c + width − 1.
// One block per 32·width columns and split. A warp reads neighbouring parts of a row; the block's warps take turns with the rows.
template <class Terms>
__global__ void __launch_bounds__(warp* column_warps, column_blocks_of_sm)
    column_sums_kernel(ColumnTotals totals, Terms terms, int64_t N, int64_t rows_of_split, int64_t C) {
    // Element i of lane l is at i·line + l: neither the lanes' writes nor the reads of neighbouring columns share a bank.
    constexpr int width = Terms::width, columns = warp * width, line = warp + (width > 1 ? warp / width : 0);
    SHARED(float, of_warps, [column_warps][width * line]);
    const int64_t first = int64_t(blockIdx.x) * columns, c = first + threadIdx.x * width;
    const int64_t begin = blockIdx.y * rows_of_split, end = min(N, begin + rows_of_split);
    float sums[Terms::sums][width] = {};
    if (c < C)
#pragma unroll 8
        for (int64_t n = begin + threadIdx.y; n < end; n += column_warps) terms.add(sums, n, c);

    for (int s = 0; s < Terms::sums; ++s) {
        if (s > 0) __syncthreads();
        for (int i = 0; i < width; ++i) of_warps[threadIdx.y][i * line + threadIdx.x] = sums[s][i];
        __syncthreads();
        for (int k = int(threadIdx.y * warp + threadIdx.x); k < columns && first + k < C; k += warp * column_warps) {
            float sum = 0;
            for (int w = 0; w < column_warps; ++w) sum += of_warps[w][k % width * line + k / width];
            write_sum(totals, blockIdx.y, s, first + k, C, sum);
        }
    }
}

// ---- the launch ------------------------------------------------------------------------------------------------

template <class Terms>
void launch_column_sums(float* first, float* second, const Terms& terms, int64_t N, int64_t C, Stream s) {
    if (N == 0) return;
    const dim3 blocks = blocks_for(C, warp * Terms::width);
    const int64_t splits = std::min<int64_t>(column_blocks / int64_t(blocks.x), N / least_rows_of_split);
    const ColumnTotals totals = column_totals(first, second, splits, C, s);
    launch(column_sums_kernel<Terms>, dim3(blocks.x, unsigned(totals.splits)), dim3(warp, column_warps), 0, s, totals,
           terms, N, (N + totals.splits - 1) / totals.splits, C);
    add_partials(totals, C, s);
}

}  // namespace gradus::DEVICE
