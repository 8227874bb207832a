// The gradients of attention's keys and values on tensor cores, bf16. The formulas are in kernels/attention.h.
//
// Plan. A block has a tile of 64 keys of one key head, 16 per warp. It loops over the query heads of the group, in order, and for each
// over tiles of the queries that see some of its keys, in order; these are consecutive, because lo and hi never decrease:
//   Sᵀ = K·Qᵀ, dPᵀ = V·dYᵀ
//   Pᵀ = exp2(Sᵀ·factor − lse), dSᵀ = Pᵀ ∘ (dPᵀ − delta)
//   dV += Pᵀ·dY, dK += dSᵀ·Q    Pᵀ and dSᵀ, rounded to bf16, stay in registers; Q and dY are read a second time, transposed
// So rows are keys: all four products have their left operand in the warp's registers, and no two warps add to the same sum. The
// next tile of Q and dY, with the lse, delta, lo and hi of its queries, is copied while one is in use. dK is scaled at the end.
//
// dK and dV of the widest heads together do not fit in registers: one kernel computes each of them then.
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/backward_tiles.h"
#include "kernels/cuda/attention/fragments.h"

namespace gradus::DEVICE {

namespace {

// What a kernel computes.
enum class Gradients { both, keys, values };

// Per thread, dK and dV take width / 2 registers each, S and dP queries / 2 each, and K and V width / 4 each.
template <int head_width, Gradients computed>
struct KeyGradientShape {
    static constexpr int width = head_width;
    static constexpr bool d_k = computed != Gradients::values, d_v = computed != Gradients::keys;
    static constexpr int queries = width <= 96 ? 64 : width <= 192 ? 32 : 16;
    static constexpr bool keeps_rows = width <= 64;  // K and V in registers
    static constexpr int blocks = 2;                 // per multiprocessor

    static constexpr int keys = tile_warps * fragment_rows;
    using KeyTile = Tile<keys, width>;
    using QueryTile = Tile<queries, width>;

    // The values of the queries of a tile.
    struct QueryRows {
        float sums[queries][2];         // lse, delta
        int32_t intervals[queries][2];  // lo, hi
    };
    static constexpr int tiles_size = 2 * KeyTile::size + 4 * QueryTile::size;
    static constexpr size_t shared_bytes = tiles_size * sizeof(bf16) + 2 * sizeof(QueryRows);
};

template <class Shape, class Score>
__global__ void __launch_bounds__(tile_threads, Shape::blocks)
    key_gradients_kernel(HeadRows<bf16> d_k, HeadRows<bf16> d_v, BackwardOperands in, HeadSizes of, BlockOrder order,
                         float scale, Score score) {
    constexpr int width = Shape::width, queries = Shape::queries;
    using KeyTile = typename Shape::KeyTile;
    using QueryTile = typename Shape::QueryTile;
    DYNAMIC_SHARED(bf16, shared);
    const auto place = order.place();
    if (place.head >= order.heads) return;
    const int b = place.head / int(of.G), g = place.head % int(of.G), D = int(of.D), group = int(of.H / of.G);
    const int first_key = place.tile * Shape::keys, end_key = min(first_key + Shape::keys, int(of.Tk));
    const int warp_row = int(threadIdx.x) / warp * fragment_rows, warp_first = first_key + warp_row;

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
            copy_async_word(&rows.sums[n][0], in.lse + query, t < end_query);
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
    LeftOperand k[width / 16], v[width / 16];
    const auto load_rows = [&](int n) {
        k_tile.left(k[n], warp_row, n);
        if constexpr (Shape::d_k) v_tile.left(v[n], warp_row, n);
    };
    if constexpr (Shape::keeps_rows)
#pragma unroll
        for (int n = 0; n < width / 16; ++n) load_rows(n);

    Sums k_sums[width / 8] = {}, v_sums[width / 8] = {};  // dK, dV; the one that is not computed takes no registers
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
        const Seen seen = range.keys(warp_first, warp_first + fragment_rows);
        if (seen == Seen::none) continue;

        Sums s[queries / 8] = {}, d_p[queries / 8] = {};
#pragma unroll
        for (int n = 0; n < width / 16; ++n) {
            if constexpr (!Shape::keeps_rows) load_rows(n);
#pragma unroll
            for (int m = 0; m < queries / 16; ++m) {
                RightOperand r;
                q_tile(i).right(r, 16 * m, n);
                multiply(s[2 * m], s[2 * m + 1], k[n], r);
                if constexpr (Shape::d_k) {
                    d_y_tile(i).right(r, 16 * m, n);
                    multiply(d_p[2 * m], d_p[2 * m + 1], v[n], r);
                }
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
                for (int half = 0; half < 2; ++half)
                    gradient_of_score(s[m][2 * half + e], d_p[m][2 * half + e], lse, delta, scale, of_query,
                                      warp_first + row_of_lane(half));
            }
            if (seen == Seen::some) {
                const Pack<int32_t> intervals = load_pack(&rows.intervals[query][0]);
#pragma unroll
                for (int e = 0; e < 4; ++e) {
                    const int key = warp_first + row_of_lane(e / 2);
                    if (key < intervals[e % 2 * 2] || key >= intervals[e % 2 * 2 + 1]) s[m][e] = d_p[m][e] = 0;
                }
            }
        }
#pragma unroll
        for (int m = 0; m < queries / 16; ++m) {
            LeftOperand p, d_s;
            if constexpr (Shape::d_v) left_of(p, s, m);
            if constexpr (Shape::d_k) left_of(d_s, d_p, m);
#pragma unroll
            for (int n = 0; n < width / 16; ++n) {
                RightOperand r;
                if constexpr (Shape::d_v) {
                    d_y_tile(i).right_transposed(r, 16 * m, n);
                    multiply(v_sums[2 * n], v_sums[2 * n + 1], p, r);
                }
                if constexpr (Shape::d_k) {
                    q_tile(i).right_transposed(r, 16 * m, n);
                    multiply(k_sums[2 * n], k_sums[2 * n + 1], d_s, r);
                }
            }
        }
    }

    // Through the warp's own rows of the tiles of keys and values, for stores of 16 bytes.
    __syncwarp();
    if constexpr (Shape::d_k) put_sums(k_tile, warp_row, k_sums, scale, scale);
    if constexpr (Shape::d_v) put_sums(v_tile, warp_row, v_sums, 1.f, 1.f);
    __syncwarp();
    if constexpr (Shape::d_k)
        k_tile.template store_rows<fragment_rows>(d_k.at(b, 0, g), d_k.stride, warp_row, warp_first, end_key, D);
    if constexpr (Shape::d_v)
        v_tile.template store_rows<fragment_rows>(d_v.at(b, 0, g), d_v.stride, warp_row, warp_first, end_key, D);
}

template <int width, Gradients computed, class Score>
void launch_key_gradients(const AttentionBackward& a, const Score& score, Stream s) {
    using Shape = KeyGradientShape<width, computed>;
    const BlockOrder order =
        block_order(a.Tk, Shape::keys, int64_t(a.B) * a.G, int64_t(2) * a.Tq * a.D * int64_t(sizeof(bf16)) * a.H / a.G);
    launch(key_gradients_kernel<Shape, Score>, order.grid(), dim3(tile_threads), Shape::shared_bytes, s,
           heads_of<bf16>(a.d_k, a.Tk, a.D), heads_of<bf16>(a.d_v, a.Tk, a.D), backward_operands(a), sizes_of(a), order,
           float(a.scale), score);
}

}  // namespace

void attention_key_gradients_tiles(const AttentionBackward& a, Stream s) {
    if (a.d_k.size() == 0) return;
    by_width(a.D, [&](auto width) {
        by_score(a.score, [&](auto score) {
            if constexpr (width <= 128) launch_key_gradients<width, Gradients::both>(a, score, s);
            else {
                launch_key_gradients<width, Gradients::values>(a, score, s);
                launch_key_gradients<width, Gradients::keys>(a, score, s);
            }
        });
    });
}

}  // namespace gradus::DEVICE
