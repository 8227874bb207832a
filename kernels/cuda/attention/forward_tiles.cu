// Attention forward in tiles, on tensor cores (bf16, tf32) or CUDA cores (f32). The formulas are in kernels/attention.h, the page is
// docs/kernels/attention.md.
//
// Plan. A block of four warps has a tile of queries of one head; each warp has 16 or 32 of them. It loops over tiles of keys:
//   S = Q·Kᵀ                         queries in registers, keys in shared memory
//   P = exp2(S·factor − m·factor)    m: the largest of the row so far; factor = scale·log2(e): one FMA and one exp2 per score
//   O = O·exp2(old m·factor − m·factor) + P·V
// P never leaves the registers: cores.h has the products. A row is shared by four lanes, so its
// maximum takes two shuffles; its sum is completed at the end. While one tile of keys and values is in use, the next is copied to a
// second buffer: one barrier per tile.
//
// Mask. Only tiles from the first to the last key that the block's queries see are visited. A warp skips a tile that none of its
// queries sees, and compares positions only in a tile that they see in part. Other keys than the block's read as zeros.
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/cores.h"
#include "kernels/cuda/attention/operands.h"
#include "kernels/cuda/primitives/exp2.h"

namespace gradus::DEVICE {

namespace {

// Per thread, O takes width / 2 registers per 16 queries, S takes keys / 2, and Q in registers width / 4 (bf16). With 32 queries per
// warp, each operand that is loaded from the keys or values serves two products: where the registers suffice.
template <class UsedCores, int head_width, bool plain_score>
struct ForwardShape {
    using Cores = UsedCores;
    static constexpr int width = head_width;
    static constexpr bool half_precision = sizeof(typename Cores::Scalar) == 2;
    static constexpr bool leaves_registers = width == 64 || width == 96 || width == 128;
    static constexpr int fragments =
        half_precision && plain_score && leaves_registers ? 2 : 1;  // of 16 queries, per warp
    static constexpr int keys = fragments == 1 && width <= (half_precision ? 128 : 64) ? 64
                                : plain_score || width <= 128                          ? 32
                                                                                       : 16;
    static constexpr bool keeps_queries = half_precision && fragments == 1 && width <= 192;  // in registers
    static constexpr int unrolled = fragments == 2 ? 4 : Cores::unrolled;                    // steps over channels
    static constexpr int blocks = 2;                                                         // per multiprocessor

    static constexpr int warp_queries = fragments * fragment_rows, queries = tile_warps * warp_queries;
    using QueryTile = Tile<typename Cores::Scalar, queries, width>;
    using KeyTile = Tile<typename Cores::Scalar, keys, width>;
    static constexpr size_t shared_bytes = (QueryTile::size + 4 * KeyTile::size) * sizeof(typename Cores::Scalar);
};

template <class Scalar>
struct ForwardOperands {
    HeadRows<const Scalar> q, k, v;
    const int32_t *lo, *hi;
};

// The keys that each query sees: in shared memory, because only tiles that it sees in part need them.
template <int queries>
struct KeyRanges {
    int lo[queries], hi[queries];
};

// The state of one query, in the four lanes that share its row.
struct SoftmaxRow {
    float max = -infinity;
    float sum = 0;  // of exp2(score − max), over the columns of this thread
};

// −∞ for keys that the query does not see; lo and hi count from the key of this thread's first column.
template <int columns>
__device__ void mask_row(Sums (&s)[columns], int lo, int hi, int half) {
#pragma unroll
    for (int n = 0; n < columns; ++n)
#pragma unroll
        for (int e = 0; e < 2; ++e)
            if (8 * n + e < lo || 8 * n + e >= hi) s[n][2 * half + e] = -infinity;
}

// One row of s becomes exp2(s·factor − max·factor), and its sums follow a larger maximum. precise: two instructions instead of one
// FMA, so that the largest score has exactly the exponential 1.
template <bool precise, int columns, int channels>
__device__ void softmax_row(Sums (&s)[columns], Sums (&o)[channels], SoftmaxRow& row, int half, float factor) {
    float max = row.max;
#pragma unroll
    for (int n = 0; n < columns; ++n) max = fmaxf(max, fmaxf(s[n][2 * half], s[n][2 * half + 1]));
    max = row_max(max);
    const float finite = max == -infinity ? 0.f : max, shift = finite * factor;  // −∞ − (−∞) would be NaN
    const auto exponential = [&](float x) {
        return exp2_approximate(precise ? (x - finite) * factor : x * factor - shift);
    };
    const float rescale = exponential(row.max);
    row.max = max;
    row.sum *= rescale;
#pragma unroll
    for (int n = 0; n < columns; ++n)
#pragma unroll
        for (int e = 2 * half; e < 2 * half + 2; ++e) {
            s[n][e] = exponential(s[n][e]);
            row.sum += s[n][e];
        }
#pragma unroll
    for (int n = 0; n < channels; ++n) {
        o[n][2 * half] *= rescale;
        o[n][2 * half + 1] *= rescale;
    }
}

template <class Shape, class Score>
__global__ void __launch_bounds__(tile_threads, Shape::blocks)
    attention_forward_kernel(HeadRows<typename Shape::Cores::Scalar> y, float* lse,
                             ForwardOperands<typename Shape::Cores::Scalar> in, HeadSizes of, BlockOrder order,
                             float scale, Score score) {
    constexpr int width = Shape::width, keys = Shape::keys, fragments = Shape::fragments;
    using Cores = typename Shape::Cores;
    using KeyTile = typename Shape::KeyTile;
    constexpr int steps = width / Cores::depth;
    DYNAMIC_SHARED(typename Cores::Scalar, shared);
    const auto place = order.place();
    if (place.head >= order.heads) return;
    const int b = place.head / int(of.H), h = place.head % int(of.H), g = int(of.group(h)), D = int(of.D);
    const int first = (order.tiles - 1 - place.tile) * Shape::queries, end = min(first + Shape::queries, int(of.Tq));
    const int warp_row = int(threadIdx.x) / warp * Shape::warp_queries, warp_first = first + warp_row;

    // Copies of Q and of the first tile of keys and values.
    const typename Shape::QueryTile queries = {shared, 0};
    const auto k_tile = [&](int i) { return KeyTile{shared, queries.size + i % 2 * 2 * KeyTile::size}; };
    const auto v_tile = [&](int i) { return KeyTile{shared, k_tile(i).start + KeyTile::size}; };
    const IntervalRange of_block = interval_range(in.lo, in.hi, of, b, first, end);
    const int first_key = of_block.first_lo, end_key = of_block.last_hi,
              tiles = (end_key - first_key + keys - 1) / keys;
    const auto copy_keys = [&](int i) {
        k_tile(i).copy(in.k.at(b, 0, g), in.k.stride, first_key + i * keys, end_key, D);
        v_tile(i).copy(in.v.at(b, 0, g), in.v.stride, first_key + i * keys, end_key, D);
    };
    queries.copy(in.q.at(b, 0, h), in.q.stride, first, end, D);
    copy_async_commit();
    if (tiles > 0) copy_keys(0);
    copy_async_commit();

    SHARED(KeyRanges<Shape::queries>, ranges, );
    for (int n = int(threadIdx.x); n < Shape::queries; n += tile_threads) {
        const Interval seen = first + n < end ? interval_of(in.lo, in.hi, b, first + n, of) : Interval{0, 0};
        ranges.lo[n] = int(seen.lo), ranges.hi[n] = int(seen.hi);
    }
    SoftmaxRow rows[fragments][2];
    const auto row_of = [&](int f, int half) { return warp_row + f * fragment_rows + row_of_lane(half); };
    // Which of the keys [from, to) the warp's queries see.
    const auto seen_by_warp = [&](int from, int to) {
        const int last = min(warp_row + Shape::warp_queries, end - first) - 1;
        if (last < warp_row) return Seen::none;
        return IntervalRange{ranges.lo[warp_row], ranges.hi[warp_row], ranges.lo[last], ranges.hi[last]}.keys(from, to);
    };

    copy_async_wait<1>();
    __syncthreads();
    typename Cores::Left kept[Shape::keeps_queries ? steps : 1][fragments];
    if constexpr (Shape::keeps_queries)
#pragma unroll
        for (int k = 0; k < steps; ++k)
            for (int f = 0; f < fragments; ++f) kept[k][f] = Cores::left(queries, warp_row + f * fragment_rows, k);

    Sums o[fragments][width / 8] = {};
    const float factor = is_plain<Score> ? scale * log2_of_e : log2_of_e;
    for (int i = 0; i < tiles; ++i) {
        copy_async_wait<0>();
        __syncthreads();  // tile i is here, and all warps are done with tile i − 1
        if (i + 1 < tiles) copy_keys(i + 1);
        copy_async_commit();
        const int u = first_key + i * keys;
        const Seen seen = seen_by_warp(u, u + keys);
        if (seen == Seen::none) continue;

        Sums s[fragments][keys / 8] = {};
#pragma unroll(Shape::unrolled)
        for (int k = 0; k < steps; ++k) {
            if constexpr (Shape::keeps_queries) Cores::multiply_channels(s, kept[k], k_tile(i), k);
            else {
                typename Cores::Left q[fragments];
                for (int f = 0; f < fragments; ++f) q[f] = Cores::left(queries, warp_row + f * fragment_rows, k);
                Cores::multiply_channels(s, q, k_tile(i), k);
            }
        }
#pragma unroll
        for (int f = 0; f < fragments; ++f)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                SoftmaxRow& row = rows[f][half];
                if constexpr (!is_plain<Score>) {
                    const QueryScore<Score> of_query = {score, b, h, first + row_of(f, half)};
                    for (int n = 0; n < keys / 8; ++n)
                        for (int e = 0; e < 2; ++e) {
                            float& x = s[f][n][2 * half + e];
                            x = of_query(scale * x, u + 8 * n + column_of_lane() + e);
                        }
                }
                if (seen == Seen::some) {
                    const int n = row_of(f, half), first_column = u + column_of_lane();
                    mask_row(s[f], ranges.lo[n] - first_column, ranges.hi[n] - first_column, half);
                }
                softmax_row<!Shape::half_precision>(s[f], o[f], row, half, factor);
            }
        Cores::multiply_rows(o, s, v_tile(i));
    }

    // y through the warp's own rows of Q's tile, so that the stores to global memory are 16 bytes wide.
    __syncwarp();
#pragma unroll
    for (int f = 0; f < fragments; ++f) {
        float inverse[2];
        for (int half = 0; half < 2; ++half) {
            const SoftmaxRow& row = rows[f][half];
            const float sum = row_sum(row.sum), shift = row.max == -infinity ? 0.f : row.max * factor;
            inverse[half] = sum == 0 ? 0.f : 1 / sum;
            const int t = first + row_of(f, half);
            if (threadIdx.x % 4 == 0 && t < end) lse[int64_t(place.head) * of.Tq + t] = (shift + log2f(sum)) * log_of_2;
        }
        Cores::put(queries, warp_row + f * fragment_rows, o[f], inverse);
    }
    __syncwarp();
    queries.template store_rows<Shape::warp_queries>(y.at(b, 0, h), y.stride, warp_row, warp_first, end, D);
}

template <class Cores>
void forward_on(const AttentionForward& a, Stream s) {
    using Scalar = typename Cores::Scalar;
    const auto of_keys = [&](const Tensor& t) { return heads_of<const Scalar>(t, a.Tk, a.D); };
    const ForwardOperands<Scalar> in = {heads_of<const Scalar>(a.q, a.Tq, a.D), of_keys(a.k), of_keys(a.v),
                                        a.lo.as<int32_t>(), a.hi.as<int32_t>()};
    by_score(a.score, [&](auto score) {
        by_width<Scalar, decltype(score)>(a.D, [&](auto width) {
            using Shape = ForwardShape<Cores, width, is_plain<decltype(score)>>;
            const BlockOrder order = block_order(a.Tq, Shape::queries, int64_t(a.B) * a.H,
                                                 int64_t(2) * a.Tk * a.D * int64_t(sizeof(Scalar)) * a.G / a.H);
            launch(attention_forward_kernel<Shape, decltype(score)>, order.grid(), dim3(tile_threads),
                   Shape::shared_bytes, s, heads_of<Scalar>(a.y, a.Tq, a.D), a.lse.as<float>(), in,
                   HeadSizes{a.B, a.Tq, a.Tk, a.H, a.G, a.D}, order, float(a.scale), score);
        });
    });
}

}  // namespace

void attention_forward_tiles(const AttentionForward& a, Stream s) {
    if (a.lse.size() == 0) return;
    by_cores(a.q.dtype, [&](auto cores) { forward_on<decltype(cores)>(a, s); });
}

}  // namespace gradus::DEVICE
