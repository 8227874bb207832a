#pragma once
// Shared by the decoding kernels on tensor cores: which rows of a step share a block, and the softmax of their scores.
//
// A segment is a run of neighbouring rows of one sequence, within 64 rows from a multiple of 64. While a prompt is read, segments
// are long, and prompt.cu has them: a block has 64 rows of one head. tiles.cu has the others.
#include "kernels/cuda/attention/cores.h"
#include "kernels/cuda/attention/operands.h"
#include "kernels/cuda/decoding/decoding.h"
#include "kernels/cuda/primitives/exp2.h"

namespace gradus::DEVICE {

constexpr int segment_rows = 64;
constexpr int long_segment = 16;  // rows, from which on it is a prompt's

struct Segment {
    int first, end;

    __device__ bool is_long() const { return end - first >= long_segment; }
};

// The segment with row n. By a whole warp.
__device__ inline Segment segment_of(const RowPlaces& rows, int n) {
    const int base = n - n % segment_rows, sequence = rows.sequence[n];
    const auto others = [&](int i) {
        return __ballot_sync(all_lanes, i >= rows.N || rows.sequence[min(i, rows.N - 1)] != sequence);
    };
    const int i = base + int(threadIdx.x) % warp;
    const unsigned low = others(i), high = others(i + warp);
    const unsigned long long all = static_cast<unsigned long long>(high) << warp | low,
                             before = all & ((1ull << (n - base)) - 1), after = all >> (n - base);
    const int following = __popcll((after & (0 - after)) - 1);  // zeros below the lowest one
    return {base + (before ? segment_rows - __clzll(static_cast<long long>(before)) : 0),
            min(n + following, base + segment_rows)};
}

// The keys [lo, end) that any of the rows [first, end) sees. By a whole warp.
struct KeyRange {
    int lo, end;
};
__device__ inline KeyRange keys_of(const RowPlaces& rows, int first, int end) {
    KeyRange seen = {std::numeric_limits<int32_t>::max(), 0};
    for (int i = first + int(threadIdx.x) % warp; i < end; i += warp) {
        seen.lo = min(seen.lo, rows.lo[i]);
        seen.end = max(seen.end, rows.position[i] + 1);
    }
    return {__reduce_min_sync(all_lanes, seen.lo), __reduce_max_sync(all_lanes, seen.end)};
}

// A query vector, in the four lanes that share its row of S: it sees the keys [lo, end).
struct SoftmaxRow {
    int t, lo, end;
    float max = -infinity, sum = 0;  // max in base 2; sum: of the columns of this thread
};

// s, the products with the keys u, u + 1, …, becomes exp2(score − max), and the sums of values follow a larger maximum.
template <int columns, int channels, class Score>
__device__ void softmax_row(Sums (&s)[columns], Sums (&o)[channels], SoftmaxRow& row, int half, int u, float scale,
                            const QueryScore<Score>& score, bool masked) {
    const int first = u + column_of_lane(), lo = row.lo - first, end = row.end - first;
    float max = row.max;
#pragma unroll
    for (int n = 0; n < columns; ++n)
#pragma unroll
        for (int e = 0; e < 2; ++e) {
            const int key = 8 * n + e;
            float& x = s[n][2 * half + e];
            if constexpr (is_plain<Score>) x *= scale * log2_of_e;
            else x = score(scale * x, first + key) * log2_of_e;
            if (masked && (key < lo || key >= end)) x = -infinity;
            max = fmaxf(max, x);
        }
    max = row_max(max);
    const float shift = max == -infinity ? 0.f : max;  // −∞ − (−∞) would be NaN
    const float rescale = exp2_approximate(row.max - shift);
    row.max = max;
    row.sum *= rescale;
#pragma unroll
    for (int n = 0; n < columns; ++n)
#pragma unroll
        for (int e = 2 * half; e < 2 * half + 2; ++e) {
            s[n][e] = exp2_approximate(s[n][e] - shift);
            row.sum += s[n][e];
        }
#pragma unroll
    for (int n = 0; n < channels; ++n) {
        o[n][2 * half] *= rescale;
        o[n][2 * half + 1] *= rescale;
    }
}

}  // namespace gradus::DEVICE
