// The gradients of attention's keys and values in tiles, on tensor cores (bf16, tf32) or CUDA cores (f32). The formulas are in kernels/attention.h.
//
// Plan. A block has a tile of keys of one key head, 16 or 32 per warp. It loops over the query heads of the group, in order, and for each
// over tiles of the queries that see some of its keys, in order; these are consecutive, because lo and hi never decrease:
//   Sᵀ = K·Qᵀ, dPᵀ = V·dYᵀ
//   Pᵀ = exp2(Sᵀ·factor − lse), dSᵀ = Pᵀ ∘ (dPᵀ − delta)
//   dV += Pᵀ·dY, dK += dSᵀ·Q    Pᵀ and dSᵀ stay in registers; Q and dY are read a second time, transposed
// So rows are keys: all four products have their left operand in the warp's registers, and no two warps add to the same sum. The
// next tile of Q and dY, with the lse, delta, lo and hi of its queries, is copied while one is in use. dK is scaled at the end.
//
// dK and dV of the widest heads together do not fit in registers: one kernel computes each of them then.
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/backward_tiles.h"

namespace gradus::DEVICE {

namespace {

// What a kernel computes.
enum class Gradients { both, keys, values };

// Per thread and 16 keys, dK and dV take width / 2 registers each, S and dP queries / 2 each, and K and V in registers width / 4 each
// (bf16). Score functions other than the identity take some more. With 32 keys per warp, each operand that is loaded from the queries
// serves two products: where the registers suffice.
template <class UsedCores, int head_width, Gradients computed, bool plain_score>
struct KeyGradientShape {
    using Cores = UsedCores;
    using Scalar = typename Cores::Scalar;
    static constexpr int width = head_width;
    static constexpr bool d_k = computed != Gradients::values, d_v = computed != Gradients::keys;
    static constexpr bool half_precision = sizeof(Scalar) == 2;
    static constexpr int fragments = half_precision && plain_score && width == 64 ? 2 : 1;
    static constexpr int queries = half_precision && fragments == 1 && width <= 96       ? 64
                                   : width <= (half_precision && plain_score ? 192 : 64) ? 32
                                                                                         : 16;
    // Steps over channels whose K and V stay in registers: as many as fit.
    static constexpr bool keeps_rows = half_precision && plain_score && fragments == 1 && width <= 128;
    static constexpr int kept_values = keeps_rows && width <= 80 ? width / Cores::depth : 0,
                         kept_keys = keeps_rows && width > 80 ? 4 : kept_values;
    static constexpr int unrolled = fragments == 2 ? 2 : Cores::unrolled;  // steps over channels
    static constexpr int blocks = 2;                                       // per multiprocessor

    static constexpr int warp_keys = fragments * fragment_rows, keys = tile_warps * warp_keys;
    using KeyTile = Tile<Scalar, keys, width>;
    using QueryTile = Tile<Scalar, queries, width>;

    // The values of the queries of a tile.
    struct QueryRows {
        float sums[queries][2];         // lse, delta
        int32_t intervals[queries][2];  // lo, hi
    };
    static constexpr int tiles_size = 2 * KeyTile::size + 4 * QueryTile::size;
    static constexpr size_t shared_bytes = tiles_size * sizeof(Scalar) + 2 * sizeof(QueryRows);
};

template <class Shape, class Score>
__global__ void __launch_bounds__(tile_threads, Shape::blocks)
    key_gradients_kernel(HeadRows<typename Shape::Scalar> d_k, HeadRows<typename Shape::Scalar> d_v,
                         BackwardOperands<typename Shape::Scalar> in, HeadSizes of, BlockOrder order, float scale,
                         Score score) {
    constexpr int width = Shape::width, queries = Shape::queries, fragments = Shape::fragments;
    using Cores = typename Shape::Cores;
    using KeyTile = typename Shape::KeyTile;
    using QueryTile = typename Shape::QueryTile;
    constexpr int steps = width / Cores::depth;
    DYNAMIC_SHARED(typename Shape::Scalar, shared);
    const auto place = order.place();
    if (place.head >= order.heads) return;
    const int b = place.head / int(of.G), g = place.head % int(of.G), D = int(of.D), group = int(of.H / of.G);
    const int first_key = place.tile * Shape::keys, end_key = min(first_key + Shape::keys, int(of.Tk));
    const int warp_row = int(threadIdx.x) / warp * Shape::warp_keys, warp_first = first_key + warp_row;

    const KeyTile k_tile = {shared, 0}, v_tile = {shared, KeyTile::size};
    const auto q_tile = [&](int i) { return QueryTile{shared, 2 * KeyTile::size + i % 2 * 2 * QueryTile::size}; };
    const auto d_y_tile = [&](int i) { return QueryTile{shared, q_tile(i).start + QueryTile::size}; };
    auto* const both_rows = reinterpret_cast<typename Shape::QueryRows*>(shared + Shape::tiles_size);

    // The queries that see some key of the tile, in tiles, for each head of the group.
    const int32_t *const lo = in.lo + int64_t(b) * of.Tq, *const hi = in.hi + int64_t(b) * of.Tq;
    const int first_query = first_above(hi, int(of.Tq), first_key),
              end_query = first_above(lo, int(of.Tq), end_key - 1);
    const int tiles = max((end_query - first_query + queries - 1) / queries, 0);
    const auto copy_queries = [&](int i) {
        const int h = g * group + i / tiles, first = first_query + i % tiles * queries;
        q_tile(i).copy(in.q.at(b, 0, h), in.q.stride, first, end_query, D);
        d_y_tile(i).copy(in.d_y.at(b, 0, h), in.d_y.stride, first, end_query, D);
        auto& rows = both_rows[i % 2];
        for (int n = int(threadIdx.x); n < queries; n += tile_threads) {
            const int t = first + n;
            const int64_t query = (int64_t(b) * of.H + h) * of.Tq + t;
            if (t < end_query) copy_async_word(&rows.sums[n][0], in.lse + query, true);
            else rows.sums[n][0] = infinity;  // so that p = 0, whatever the score function says of a distance
            copy_async_word(&rows.sums[n][1], in.delta + query, t < end_query);
            copy_async_word(&rows.intervals[n][0], lo + t, t < end_query);
            copy_async_word(&rows.intervals[n][1], hi + t, t < end_query);
        }
    };
    k_tile.copy(in.k.at(b, 0, g), in.k.stride, first_key, end_key, D);
    if constexpr (Shape::d_k) v_tile.copy(in.v.at(b, 0, g), in.v.stride, first_key, end_key, D);
    copy_async_commit();
    if (tiles > 0) copy_queries(0);
    copy_async_commit();

    copy_async_wait<1>();
    __syncthreads();
    typename Cores::Left k[Shape::kept_keys + 1][fragments], v[Shape::kept_values + 1][fragments];
    const auto load_left = [&](auto& left, const KeyTile& tile, int step) {
#pragma unroll
        for (int f = 0; f < fragments; ++f) left[f] = Cores::left(tile, warp_row + f * fragment_rows, step);
    };
#pragma unroll
    for (int step = 0; step < Shape::kept_keys; ++step) load_left(k[step], k_tile, step);
#pragma unroll
    for (int step = 0; step < Shape::kept_values; ++step) load_left(v[step], v_tile, step);

    // dK, dV. The one that is not computed takes no registers.
    Sums k_sums[fragments][width / 8] = {}, v_sums[fragments][width / 8] = {};
    for (int i = 0; i < group * tiles; ++i) {
        copy_async_wait<0>();
        __syncthreads();  // tile i is here, and all warps are done with tile i − 1
        if (i + 1 < group * tiles) copy_queries(i + 1);
        copy_async_commit();
        const auto& rows = both_rows[i % 2];
        const int h = g * group + i / tiles, first = first_query + i % tiles * queries,
                  last = min(queries, end_query - first) - 1;
        const IntervalRange range = {rows.intervals[0][0], rows.intervals[0][1], rows.intervals[last][0],
                                     rows.intervals[last][1]};
        const Seen seen = range.keys(warp_first, warp_first + Shape::warp_keys);
        if (seen == Seen::none) continue;

        Sums s[fragments][queries / 8] = {}, d_p[fragments][queries / 8] = {};
#pragma unroll(Shape::unrolled)
        for (int step = 0; step < steps; ++step) {
            const int n = min(step, Shape::kept_keys), m = min(step, Shape::kept_values);
            if (step >= Shape::kept_keys) load_left(k[n], k_tile, step);
            Cores::multiply_channels(s, k[n], q_tile(i), step);
            if constexpr (Shape::d_k) {
                if (step >= Shape::kept_values) load_left(v[m], v_tile, step);
                Cores::multiply_channels(d_p, v[m], d_y_tile(i), step);
            }
        }
#pragma unroll
        for (int m = 0; m < queries / 8; ++m) {
            const int query = 8 * m + column_of_lane();
            const Pack<float> sums = load_pack(&rows.sums[query][0]);
#pragma unroll
            for (int e = 0; e < 2; ++e) {
                const QueryScore<Score> of_query = {score, b, h, first + query + e};
                const float lse = sums[2 * e] * log2_of_e, delta = sums[2 * e + 1];
#pragma unroll
                for (int f = 0; f < fragments; ++f)
#pragma unroll
                    for (int half = 0; half < 2; ++half)
                        gradient_of_score(s[f][m][2 * half + e], d_p[f][m][2 * half + e], lse, delta, scale, of_query,
                                          warp_first + f * fragment_rows + row_of_lane(half));
            }
            if (seen == Seen::some) {
                const Pack<int32_t> intervals = load_pack(&rows.intervals[query][0]);
#pragma unroll
                for (int f = 0; f < fragments; ++f)
#pragma unroll
                    for (int e = 0; e < 4; ++e) {
                        const int key = warp_first + f * fragment_rows + row_of_lane(e / 2);
                        if (key < intervals[e % 2 * 2] || key >= intervals[e % 2 * 2 + 1])
                            s[f][m][e] = d_p[f][m][e] = 0;
                    }
            }
        }
        if constexpr (Shape::d_v) Cores::multiply_rows(v_sums, s, d_y_tile(i));
        if constexpr (Shape::d_k) Cores::multiply_rows(k_sums, d_p, q_tile(i));
    }

    // Through the warp's own rows of the tiles of keys and values, for stores of 16 bytes.
    __syncwarp();
#pragma unroll
    for (int f = 0; f < fragments; ++f) {
        const int row = warp_row + f * fragment_rows;
        if constexpr (Shape::d_k) Cores::put(k_tile, row, k_sums[f], {scale, scale});
        if constexpr (Shape::d_v) Cores::put(v_tile, row, v_sums[f], {1, 1});
    }
    __syncwarp();
    if constexpr (Shape::d_k)
        k_tile.template store_rows<Shape::warp_keys>(d_k.at(b, 0, g), d_k.stride, warp_row, warp_first, end_key, D);
    if constexpr (Shape::d_v)
        v_tile.template store_rows<Shape::warp_keys>(d_v.at(b, 0, g), d_v.stride, warp_row, warp_first, end_key, D);
}

template <class Cores, int width, Gradients computed, class Score>
void launch_key_gradients(const AttentionBackward& a, const Score& score, Stream s) {
    using Shape = KeyGradientShape<Cores, width, computed, is_plain<Score>>;
    using Scalar = typename Cores::Scalar;
    const BlockOrder order = block_order(a.Tk, Shape::keys, int64_t(a.B) * a.G,
                                         int64_t(2) * a.Tq * a.D * int64_t(sizeof(Scalar)) * a.H / a.G);
    launch(key_gradients_kernel<Shape, Score>, order.grid(), dim3(tile_threads), Shape::shared_bytes, s,
           heads_of<Scalar>(a.d_k, a.Tk, a.D), heads_of<Scalar>(a.d_v, a.Tk, a.D), backward_operands<Scalar>(a),
           sizes_of(a), order, float(a.scale), score);
}

template <class Cores>
void key_gradients_on(const AttentionBackward& a, Stream s) {
    by_score(a.score, [&](auto score) {
        by_width<typename Cores::Scalar, decltype(score)>(a.D, [&](auto width) {
            if constexpr (width <= 128) launch_key_gradients<Cores, width, Gradients::both>(a, score, s);
            else {
                launch_key_gradients<Cores, width, Gradients::values>(a, score, s);
                launch_key_gradients<Cores, width, Gradients::keys>(a, score, s);
            }
        });
    });
}

}  // namespace

void attention_key_gradients_tiles(const AttentionBackward& a, Stream s) {
    if (a.d_k.size() == 0) return;
    by_cores(a.q.dtype, [&](auto cores) { key_gradients_on<decltype(cores)>(a, s); });
}

}  // namespace gradus::DEVICE
