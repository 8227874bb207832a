// The gradient of attention's queries in tiles, on tensor cores (bf16, tf32) or CUDA cores (f32). The formulas are in kernels/attention.h.
//
// Plan. As the forward pass (forward_tiles.cu): a block has a tile of queries, 16 or 32 per warp, and loops over tiles of keys, double
// buffered, under the same mask:
//   S = Q·Kᵀ, dP = dY·Vᵀ      the left operands in registers, where they fit
//   P = exp2(S·factor − lse), dS = P ∘ (dP − delta)
//   dQ += dS·K                dS stays in registers; K is read a second time, transposed
// and dQ is scaled at the end. Every sum is one thread's, over the keys in order.
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/backward_tiles.h"

namespace gradus::DEVICE {

namespace {

// Per thread and 16 queries, dQ takes width / 2 registers, S and dP keys / 2 each, and Q and dY in registers width / 4 each (bf16).
// Score functions other than the identity take some more. With 32 queries per warp, each operand that is loaded from the keys or
// values serves two products: where the registers suffice.
template <class UsedCores, int head_width, bool plain_score>
struct QueryGradientShape {
    using Cores = UsedCores;
    using Scalar = typename Cores::Scalar;
    static constexpr int width = head_width;
    static constexpr bool half_precision = sizeof(Scalar) == 2;
    static constexpr int fragments = half_precision && plain_score && width == 64 ? 2 : 1;
    static constexpr int keys = half_precision && fragments == 1 && width <= 96 ? 64
                                : width <= (half_precision ? 192 : 64)          ? 32
                                                                                : 16;
    // Steps over channels whose Q and dY stay in registers: as many as fit.
    static constexpr int kept_queries = half_precision && width <= 128 ? width / Cores::depth : 0,
                         kept_gradients = fragments == 2 ? 2 : kept_queries;
    static constexpr int blocks = 2;  // per multiprocessor

    static constexpr int warp_queries = fragments * fragment_rows, queries = tile_warps * warp_queries;
    using QueryTile = Tile<Scalar, queries, width>;
    using KeyTile = Tile<Scalar, keys, width>;
    static constexpr size_t shared_bytes = (2 * QueryTile::size + 4 * KeyTile::size) * sizeof(Scalar);
};

// Of each query of the block, in shared memory: registers are for the products.
template <int queries>
struct GradientRows {
    float sums[queries][2];         // lse in base 2, delta
    int32_t intervals[queries][2];  // lo, hi: only tiles that are seen in part need them
};

template <class Shape, class Score>
__global__ void __launch_bounds__(tile_threads, Shape::blocks)
    query_gradient_kernel(HeadRows<typename Shape::Scalar> d_q, BackwardOperands<typename Shape::Scalar> in,
                          HeadSizes of, BlockOrder order, float scale, Score score) {
    constexpr int width = Shape::width, keys = Shape::keys, fragments = Shape::fragments;
    using Cores = typename Shape::Cores;
    using QueryTile = typename Shape::QueryTile;
    using KeyTile = typename Shape::KeyTile;
    constexpr int steps = width / Cores::depth;
    DYNAMIC_SHARED(typename Shape::Scalar, shared);
    const auto place = order.place();
    if (place.head >= order.heads) return;
    const int b = place.head / int(of.H), h = place.head % int(of.H), g = int(of.group(h)), D = int(of.D);
    const int first = (order.tiles - 1 - place.tile) * Shape::queries, end = min(first + Shape::queries, int(of.Tq));
    const int warp_row = int(threadIdx.x) / warp * Shape::warp_queries, warp_first = first + warp_row;

    const QueryTile q_tile = {shared, 0}, d_y_tile = {shared, QueryTile::size};
    const auto k_tile = [&](int i) { return KeyTile{shared, 2 * QueryTile::size + i % 2 * 2 * KeyTile::size}; };
    const auto v_tile = [&](int i) { return KeyTile{shared, k_tile(i).start + KeyTile::size}; };
    const IntervalRange of_block = interval_range(in.lo, in.hi, of, b, first, end),
                        of_warp =
                            interval_range(in.lo, in.hi, of, b, warp_first, min(warp_first + Shape::warp_queries, end));
    const int first_key = of_block.first_lo, end_key = of_block.last_hi,
              tiles = (end_key - first_key + keys - 1) / keys;
    const auto copy_keys = [&](int i) {
        k_tile(i).copy(in.k.at(b, 0, g), in.k.stride, first_key + i * keys, end_key, D);
        v_tile(i).copy(in.v.at(b, 0, g), in.v.stride, first_key + i * keys, end_key, D);
    };
    q_tile.copy(in.q.at(b, 0, h), in.q.stride, first, end, D);
    d_y_tile.copy(in.d_y.at(b, 0, h), in.d_y.stride, first, end, D);
    copy_async_commit();
    if (tiles > 0) copy_keys(0);
    copy_async_commit();

    SHARED(GradientRows<Shape::queries>, rows, );
    for (int n = int(threadIdx.x); n < Shape::queries; n += tile_threads) {
        const int t = first + n;
        const int64_t query = int64_t(place.head) * of.Tq + t;
        const Interval seen = t < end ? interval_of(in.lo, in.hi, b, t, of) : Interval{0, 0};
        rows.sums[n][0] = t < end ? in.lse[query] * log2_of_e : infinity;
        rows.sums[n][1] = t < end ? in.delta[query] : 0.f;
        rows.intervals[n][0] = int(seen.lo), rows.intervals[n][1] = int(seen.hi);
    }

    copy_async_wait<1>();
    __syncthreads();
    typename Cores::Left q[Shape::kept_queries + 1][fragments], d_y[Shape::kept_gradients + 1][fragments];
    const auto load_left = [&](auto& left, const QueryTile& tile, int step) {
#pragma unroll
        for (int f = 0; f < fragments; ++f) left[f] = Cores::left(tile, warp_row + f * fragment_rows, step);
    };
#pragma unroll
    for (int step = 0; step < Shape::kept_queries; ++step) load_left(q[step], q_tile, step);
#pragma unroll
    for (int step = 0; step < Shape::kept_gradients; ++step) load_left(d_y[step], d_y_tile, step);

    Sums sums[fragments][width / 8] = {};  // dQ
    for (int i = 0; i < tiles; ++i) {
        copy_async_wait<0>();
        __syncthreads();  // tile i is here, and all warps are done with tile i − 1
        if (i + 1 < tiles) copy_keys(i + 1);
        copy_async_commit();
        const int u = first_key + i * keys;
        const Seen seen = of_warp.keys(u, u + keys);
        if (seen == Seen::none) continue;

        Sums s[fragments][keys / 8] = {}, d_p[fragments][keys / 8] = {};
#pragma unroll(Cores::unrolled)
        for (int step = 0; step < steps; ++step) {
            const int n = min(step, Shape::kept_queries), m = min(step, Shape::kept_gradients);
            if (step >= Shape::kept_queries) load_left(q[n], q_tile, step);
            if (step >= Shape::kept_gradients) load_left(d_y[m], d_y_tile, step);
            Cores::multiply_channels(s, q[n], k_tile(i), step);
            Cores::multiply_channels(d_p, d_y[m], v_tile(i), step);
        }
#pragma unroll
        for (int f = 0; f < fragments; ++f)
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int row = warp_row + f * fragment_rows + row_of_lane(half), first_column = u + column_of_lane();
                const float lse = rows.sums[row][0], delta = rows.sums[row][1];
                const int lo = rows.intervals[row][0] - first_column, hi = rows.intervals[row][1] - first_column;
                const QueryScore<Score> of_query = {score, b, h, first + row};
#pragma unroll
                for (int n = 0; n < keys / 8; ++n)
#pragma unroll
                    for (int e = 0; e < 2; ++e) {
                        float &p = s[f][n][2 * half + e], &d_s = d_p[f][n][2 * half + e];
                        gradient_of_score(p, d_s, lse, delta, scale, of_query, first_column + 8 * n + e);
                        if (seen == Seen::some && (8 * n + e < lo || 8 * n + e >= hi)) d_s = 0;
                    }
            }
        Cores::multiply_rows(sums, d_p, k_tile(i));
    }

    // Through the warp's own rows of Q's tile, for stores of 16 bytes.
    __syncwarp();
#pragma unroll
    for (int f = 0; f < fragments; ++f) Cores::put(q_tile, warp_row + f * fragment_rows, sums[f], {scale, scale});
    __syncwarp();
    q_tile.template store_rows<Shape::warp_queries>(d_q.at(b, 0, h), d_q.stride, warp_row, warp_first, end, D);
}

template <class Cores>
void query_gradient_on(const AttentionBackward& a, Stream s) {
    using Scalar = typename Cores::Scalar;
    by_score(a.score, [&](auto score) {
        by_width<Scalar, decltype(score)>(a.D, [&](auto width) {
            using Shape = QueryGradientShape<Cores, width, is_plain<decltype(score)>>;
            const BlockOrder order = block_order(a.Tq, Shape::queries, int64_t(a.B) * a.H,
                                                 int64_t(2) * a.Tk * a.D * int64_t(sizeof(Scalar)) * a.G / a.H);
            launch(query_gradient_kernel<Shape, decltype(score)>, order.grid(), dim3(tile_threads), Shape::shared_bytes,
                   s, heads_of<Scalar>(a.d_q, a.Tq, a.D), backward_operands<Scalar>(a), sizes_of(a), order,
                   float(a.scale), score);
        });
    });
}

}  // namespace

void attention_query_gradient_tiles(const AttentionBackward& a, Stream s) {
    if (a.delta.size() == 0) return;
    by_cores(a.q.dtype, [&](auto cores) { query_gradient_on<decltype(cores)>(a, s); });
}

}  // namespace gradus::DEVICE
