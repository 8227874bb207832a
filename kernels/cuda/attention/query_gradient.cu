// The gradient of attention's queries in tiles, on tensor cores (bf16, tf32) or CUDA cores (f32). The formulas are in kernels/attention.h.
//
// Plan. As the forward pass (forward_tiles.cu): a block has a tile of queries, 16 per warp, and loops over tiles of keys, double
// buffered, under the same mask:
//   S = Q·Kᵀ, dP = dY·Vᵀ      the left operands in registers, where they fit
//   P = exp2(S·factor − lse), dS = P ∘ (dP − delta)
//   dQ += dS·K                dS stays in registers; K is read a second time, transposed
// and dQ is scaled at the end. Every sum is one thread's, over the keys in order.
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/backward_tiles.h"

namespace gradus::DEVICE {

namespace {

// Per thread, dQ takes width / 2 registers, S and dP keys / 2 each, and Q and dY in registers width / 4 each (bf16).
// Score functions other than the identity take some more.
template <class UsedCores, int head_width, bool plain_score>
struct QueryGradientShape {
    using Cores = UsedCores;
    using Scalar = typename Cores::Scalar;
    static constexpr int width = head_width;
    static constexpr bool half_precision = sizeof(Scalar) == 2;
    static constexpr int keys = half_precision ? (width <= (plain_score ? 96 : 80) ? 64
                                                  : width <= 192                   ? 32
                                                                                   : 16)
                                               : (width <= 96 ? 32 : 16);
    static constexpr bool keeps_rows = half_precision && width <= 128;  // Q and dY in registers
    static constexpr int blocks = 2;                                    // per multiprocessor

    static constexpr int queries = tile_warps * fragment_rows;
    using QueryTile = Tile<Scalar, queries, width>;
    using KeyTile = Tile<Scalar, keys, width>;
    static constexpr size_t shared_bytes = (2 * QueryTile::size + 4 * KeyTile::size) * sizeof(Scalar);
};

// A query, in the four lanes that share its row.
struct GradientRow {
    int t, lo, hi;
    float lse, delta;  // lse in base 2
};

template <class Shape, class Score>
__global__ void __launch_bounds__(tile_threads, Shape::blocks)
    query_gradient_kernel(HeadRows<typename Shape::Scalar> d_q, BackwardOperands<typename Shape::Scalar> in,
                          HeadSizes of, BlockOrder order, float scale, Score score) {
    constexpr int width = Shape::width, keys = Shape::keys;
    using Cores = typename Shape::Cores;
    using QueryTile = typename Shape::QueryTile;
    using KeyTile = typename Shape::KeyTile;
    constexpr int steps = width / Cores::depth, kept_steps = Shape::keeps_rows ? steps : 1;
    DYNAMIC_SHARED(typename Shape::Scalar, shared);
    const auto place = order.place();
    if (place.head >= order.heads) return;
    const int b = place.head / int(of.H), h = place.head % int(of.H), g = int(of.group(h)), D = int(of.D);
    const int first = (order.tiles - 1 - place.tile) * Shape::queries, end = min(first + Shape::queries, int(of.Tq));
    const int warp_row = int(threadIdx.x) / warp * fragment_rows, warp_first = first + warp_row;

    const QueryTile q_tile = {shared, 0}, d_y_tile = {shared, QueryTile::size};
    const auto k_tile = [&](int i) { return KeyTile{shared, 2 * QueryTile::size + i % 2 * 2 * KeyTile::size}; };
    const auto v_tile = [&](int i) { return KeyTile{shared, k_tile(i).start + KeyTile::size}; };
    const IntervalRange of_block = interval_range(in.lo, in.hi, of, b, first, end),
                        of_warp = interval_range(in.lo, in.hi, of, b, warp_first, min(warp_first + fragment_rows, end));
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

    GradientRow rows[2];
    for (int half = 0; half < 2; ++half) {
        const int t = warp_first + row_of_lane(half);
        rows[half] = {t, 0, 0, 0, 0};
        if (t < end) {
            const Interval seen = interval_of(in.lo, in.hi, b, t, of);
            const int64_t query = int64_t(place.head) * of.Tq + t;
            rows[half] = {t, int(seen.lo), int(seen.hi), in.lse[query] * log2_of_e, in.delta[query]};
        }
    }

    copy_async_wait<1>();
    __syncthreads();
    typename Cores::Left q[kept_steps][1], d_y[kept_steps][1];
    const auto load_rows = [&](int k, int step) {
        q[k][0] = Cores::left(q_tile, warp_row, step);
        d_y[k][0] = Cores::left(d_y_tile, warp_row, step);
    };
    if constexpr (Shape::keeps_rows)
#pragma unroll
        for (int k = 0; k < steps; ++k) load_rows(k, k);

    Sums sums[1][width / 8] = {};  // dQ
    for (int i = 0; i < tiles; ++i) {
        copy_async_wait<0>();
        __syncthreads();  // tile i is here, and all warps are done with tile i − 1
        if (i + 1 < tiles) copy_keys(i + 1);
        copy_async_commit();
        const int u = first_key + i * keys;
        const Seen seen = of_warp.keys(u, u + keys);
        if (seen == Seen::none) continue;

        Sums s[1][keys / 8] = {}, d_p[1][keys / 8] = {};
#pragma unroll(Cores::unrolled)
        for (int step = 0; step < steps; ++step) {
            const int k = Shape::keeps_rows ? step : 0;
            if constexpr (!Shape::keeps_rows) load_rows(k, step);
            Cores::multiply_channels(s, q[k], k_tile(i), step);
            Cores::multiply_channels(d_p, d_y[k], v_tile(i), step);
        }
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const GradientRow& row = rows[half];
            const QueryScore<Score> of_query = {score, b, h, row.t};
            const int first_column = u + column_of_lane(), lo = row.lo - first_column, hi = row.hi - first_column;
#pragma unroll
            for (int n = 0; n < keys / 8; ++n)
#pragma unroll
                for (int e = 0; e < 2; ++e) {
                    float &p = s[0][n][2 * half + e], &d_s = d_p[0][n][2 * half + e];
                    gradient_of_score(p, d_s, row.lse, row.delta, scale, of_query, first_column + 8 * n + e);
                    if (seen == Seen::some && (8 * n + e < lo || 8 * n + e >= hi)) d_s = 0;
                }
        }
        Cores::multiply_rows(sums, d_p, k_tile(i));
    }

    // Through the warp's own rows of Q's tile, for stores of 16 bytes.
    __syncwarp();
    Cores::put(q_tile, warp_row, sums[0], {scale, scale});
    __syncwarp();
    q_tile.template store_rows<fragment_rows>(d_q.at(b, 0, h), d_q.stride, warp_row, warp_first, end, D);
}

template <class Cores>
void query_gradient_on(const AttentionBackward& a, Stream s) {
    using Scalar = typename Cores::Scalar;
    by_width<Scalar>(a.D, [&](auto width) {
        by_score(a.score, [&](auto score) {
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
