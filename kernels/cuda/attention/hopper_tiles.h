#pragma once
// What attention on sm_90a's own instructions shares: tiles in shared memory, their products on a warpgroup, and the softmax of the
// results in registers.
//
// A tile has rows of `width` channels, in panels of 64 channels: a row of a panel is 128 bytes, the width of the swizzle. Copies by
// tensor map write it, wgmma reads it. A channel beyond the head's width and a row beyond the sequence are zeros.
//
// A warpgroup has 64 queries. A thread holds two rows of every result, query_of_thread() and that plus 8 (`half` 0 and 1), and of
// every eight columns the two from column_of_thread() on: kernels/cuda/primitives/warpgroup.h. Four neighbouring lanes share a row.
#include "kernels/attention.h"
#include "kernels/cuda/attention/operands.h"
#include "kernels/cuda/common.h"
#include "kernels/cuda/hopper.h"
#include "kernels/cuda/primitives/conversion.h"
#include "kernels/cuda/primitives/exp2.h"

namespace gradus::DEVICE {

constexpr int warpgroup_queries = warpgroup_rows;

template <int tile_rows, int tile_width>
struct SwizzledTile : PanelTile<tile_rows, tile_width> {
    using Panels = PanelTile<tile_rows, tile_width>;
    using Panels::rows, Panels::panels, Panels::panel;

    // Rows of the tile by their channels: 16 channels from 16·slice on. `row` is a multiple of 8.
    __device__ MatrixDescriptor channels(int slice, int row = 0) { return Panels::k_major(slice, row); }
    // Channels of the tile by its rows: 16 rows from 16·slice on. For Major::mn.
    __device__ MatrixDescriptor rows_of_channels(int slice) { return Panels::mn_major(slice); }

    // Copies the rows from `row` on of head `head` of sequence `b`, by one thread, in boxes of `box_rows` rows.
    template <int box_rows = rows>
    __device__ void load(const TensorMap& map, int head, int row, int b, MBarrier* landed) {
#pragma unroll
        for (int r = 0; r < rows; r += box_rows)
#pragma unroll
            for (int p = 0; p < panels; ++p) tensor_load(panel(p, r), map, {p * panel_width, head, row + r, b}, landed);
    }
};

// The map of a tensor of heads: channel, head, row, sequence. The box is a panel of `rows` rows.
inline TensorBox heads_box(const Tensor& t, int64_t heads, int64_t T, int64_t B, int64_t D, int rows) {
    return {t.data,
            t.dtype,
            4,
            {D, heads, T, B},
            {1, D, t.stride(), T * t.stride()},
            {panel_width, 1, rows, 1},
            Swizzle::bytes_128};
}

// ---- products ---------------------------------------------------------------------------------------------------------

// Starts s = Q·Kᵀ, of the 64 queries from `row` on.
template <class Queries, class Keys, int count>
__device__ void multiply_scores(float (&s)[count], Queries& q, int row, Keys& k) {
    static_assert(count == Keys::rows / 2);
    wgmma_fence(s);
#pragma unroll
    for (int slice = 0; slice < Keys::width / slice_depth; ++slice)
        wgmma(s, q.channels(slice, row), k.channels(slice), slice > 0);
    wgmma_commit();
}

// Starts o += P·V.
template <class Values, int slices, int count>
__device__ void multiply_values(float (&o)[count], const unsigned (&p)[slices][4], Values& v) {
    static_assert(slices == Values::rows / slice_depth && count == Values::width / 2);
    wgmma_fence(o);
#pragma unroll
    for (int slice = 0; slice < slices; ++slice) wgmma<Major::mn>(o, p[slice], v.rows_of_channels(slice));
    wgmma_commit();
}

// ---- softmax ----------------------------------------------------------------------------------------------------------

__device__ inline int query_of_thread(int half) {
    return int(threadIdx.x) % warpgroup_threads / warp * 16 + int(threadIdx.x) % warp / 4 + 8 * half;
}
__device__ inline int column_of_thread() { return int(threadIdx.x) % 4 * 2; }

// The state of one query, in the four lanes that share its row.
struct QueryRow {
    int lo, hi;
    float max = -infinity;  // of the scores so far, before the factor
    float sum = 0;          // of exp2(score·factor − max·factor), over the columns of this thread

    __device__ float shift(float factor) const {
        return max == -infinity ? 0.f : max * factor;
    }  // −∞ − (−∞) would be NaN
};

// [lo, hi) of query t, checked as by interval_of(), without a call: calls would make ptxas wait after each wgmma.
__device__ inline QueryRow query_row(const int32_t* lo, const int32_t* hi, int64_t b, int t, const HeadSizes& of) {
    if (t >= of.Tq) return {0, 0};
    const int64_t n = b * of.Tq + t;
    if (lo[n] < 0 || hi[n] > of.Tk || (t > 0 && (lo[n - 1] > lo[n] || hi[n - 1] > hi[n]))) __trap();
    return {lo[n], hi[n]};
}

// A row of products q·k becomes scores; `distance` is that of this thread's first column (hopper_scores.h).
template <class HeadScore, int count>
__device__ void apply_score(float (&s)[count], const HeadScore& score, int half, float scale, int distance) {
#pragma unroll
    for (int i = 2 * half; i < count; i += 4)
#pragma unroll
        for (int e = 0; e < 2; ++e) s[i + e] = score(scale * s[i + e], distance, 2 * (i - 2 * half) + e);
}

// −∞ for keys that the query does not see; u: the key of this thread's first column.
template <int count>
__device__ void mask_scores(float (&s)[count], const QueryRow& row, int half, int u) {
    const int lo = row.lo - u, hi = row.hi - u;
#pragma unroll
    for (int i = 2 * half; i < count; i += 4)
#pragma unroll
        for (int e = 0; e < 2; ++e)
            if (2 * (i - 2 * half) + e < lo || 2 * (i - 2 * half) + e >= hi) s[i + e] = -infinity;
}

// A row of s becomes exp2(s·factor − max·factor). Returns the factor by which the row's earlier sums shrink.
template <int count>
__device__ float exponentials(float (&s)[count], QueryRow& row, int half, float factor) {
    float max = row.max;
#pragma unroll
    for (int i = 2 * half; i < count; i += 4) max = fmaxf(max, fmaxf(s[i], s[i + 1]));
    max = fmaxf(max, __shfl_xor_sync(all_lanes, max, 1));
    max = fmaxf(max, __shfl_xor_sync(all_lanes, max, 2));
    const float old = row.max * factor;
    row.max = max;
    const float shift = row.shift(factor), rescale = exp2_approximate(old - shift);
    row.sum *= rescale;
#pragma unroll
    for (int i = 2 * half; i < count; i += 4)
#pragma unroll
        for (int e = 0; e < 2; ++e) {
            s[i + e] = exp2_approximate(s[i + e] * factor - shift);
            row.sum += s[i + e];
        }
    return rescale;
}

template <int count>
__device__ void rescale_sums(float (&o)[count], const float (&rescale)[2]) {
#pragma unroll
    for (int i = 0; i < count; ++i) o[i] *= rescale[i / 2 % 2];
}

// P rounded to bf16, as the left operand of P·V: the layouts are the same.
template <int slices, int count>
__device__ void left_operand(unsigned (&p)[slices][4], const float (&s)[count]) {
    static_assert(8 * slices == count);
#pragma unroll
    for (int slice = 0; slice < slices; ++slice)
#pragma unroll
        for (int r = 0; r < 4; ++r) p[slice][r] = bf16_pair(s[8 * slice + 2 * r], s[8 * slice + 2 * r + 1]);
}

}  // namespace gradus::DEVICE
