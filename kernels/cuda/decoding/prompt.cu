// Attention with a cache for prompts on tensor cores, bf16. The formulas are in kernels/attention.h.
//
// Plan. As attention/forward_tiles.cu: a block has up to 64 rows of one sequence, a long segment, and one query head. Its four warps have
// 16 rows each and share tiles of keys and values, double buffered. It has one split of the keys, so that a short piece of a prompt on
// a long context fills the GPU, too. Segments that are not long are left to tiles.cu.
#include "kernels/cuda/decoding/rows.h"

namespace gradus::DEVICE {

namespace {

using Cores = Bf16TensorCores;

template <int head_width>
struct PromptShape {
    static constexpr int width = head_width;
    static constexpr int keys = width <= 128 ? 64 : width <= 192 ? 32 : 16;
    static constexpr bool keeps_queries = width <= 128;  // in registers

    using QueryTile = Tile<bf16, segment_rows, width>;
    using KeyTile = Tile<bf16, keys, width>;
    static constexpr size_t shared_bytes = (QueryTile::size + 4 * KeyTile::size) * sizeof(bf16);
};

// Of a warp's rows, for a tile of keys.
struct WarpRange {
    int least_lo, largest_lo, least_end, largest_end;

    __device__ Seen keys(int first, int end) const {
        if (end <= least_lo || largest_end <= first) return Seen::none;
        return largest_lo <= first && end <= least_end ? Seen::all : Seen::some;
    }
};
__device__ inline WarpRange range_of(const SoftmaxRow (&rows)[2]) {
    return {__reduce_min_sync(all_lanes, min(rows[0].lo, rows[1].lo)),
            __reduce_max_sync(all_lanes, max(rows[0].lo, rows[1].lo)),
            __reduce_min_sync(all_lanes, min(rows[0].end, rows[1].end)),
            __reduce_max_sync(all_lanes, max(rows[0].end, rows[1].end))};
}

// Grid: (64 rows, query head, split).
template <class Shape, class Score>
__global__ void __launch_bounds__(tile_threads, 2)
    attention_prompt_kernel(HeadRows<bf16> y, Splits splits, Cache<const bf16> cache, HeadRows<const bf16> q,
                            RowPlaces rows, int H, float scale, Score score) {
    constexpr int width = Shape::width, keys = Shape::keys;
    using KeyTile = typename Shape::KeyTile;
    DYNAMIC_SHARED(bf16, shared);
    const typename Shape::QueryTile queries = {shared, 0};
    const int h = int(blockIdx.y), split = int(blockIdx.z), g = h / (H / int(cache.G)), D = int(cache.D);
    const int warp_row = int(threadIdx.x) / warp * fragment_rows,
              block_end = min(int(blockIdx.x + 1) * segment_rows, rows.N);

    for (Segment segment = {0, int(blockIdx.x) * segment_rows}; segment.end < block_end;) {
        segment = segment_of(rows, segment.end);
        if (!segment.is_long()) continue;
        const KeyRange seen = keys_of(rows, segment.first, segment.end);
        device_check(seen.lo >= 0);
        const int first_key = max(seen.lo, split * splits.keys), end_key = min(seen.end, (split + 1) * splits.keys);
        if (splits.count > 1 && first_key >= end_key) continue;
        const int tiles = (end_key - first_key + keys - 1) / keys, sequence = rows.sequence[segment.first];

        __syncthreads();  // all warps are done with the memory of the segment before
        const bf16 *const k_rows = cache.k + cache.slot(sequence, g, 0), *const v_rows =
                                                                             cache.v + cache.slot(sequence, g, 0);
        const auto k_tile = [&](int i) { return KeyTile{shared, queries.size + i % 2 * 2 * KeyTile::size}; };
        const auto v_tile = [&](int i) { return KeyTile{shared, k_tile(i).start + KeyTile::size}; };
        const auto copy_keys = [&](int i) {
            k_tile(i).copy(k_rows, D, first_key + i * keys, end_key, D);
            v_tile(i).copy(v_rows, D, first_key + i * keys, end_key, D);
        };
        queries.copy(q.at(0, 0, h), q.stride, segment.first, segment.end, D);
        copy_async_commit();
        if (tiles > 0) copy_keys(0);
        copy_async_commit();

        SoftmaxRow of_row[2];
        for (int half = 0; half < 2; ++half) {
            const int n = segment.first + warp_row + row_of_lane(half), last = min(n, segment.end - 1),
                      t = rows.position[last];
            of_row[half] = {t, rows.lo[last], min(t + 1, end_key)};  // rows from the end on as the last: not stored
        }
        const WarpRange of_warp = range_of(of_row);

        copy_async_wait<1>();
        __syncthreads();
        constexpr int steps = width / Cores::depth;
        Cores::Left kept[Shape::keeps_queries ? steps : 1][1];
        if constexpr (Shape::keeps_queries)
#pragma unroll
            for (int k = 0; k < steps; ++k) kept[k][0] = Cores::left(queries, warp_row, k);

        Sums o[1][width / 8] = {};
        for (int i = 0; i < tiles; ++i) {
            copy_async_wait<0>();
            __syncthreads();  // tile i is here, and all warps are done with tile i − 1
            if (i + 1 < tiles) copy_keys(i + 1);
            copy_async_commit();
            const int u = first_key + i * keys;
            const Seen here = of_warp.keys(u, u + keys);
            if (here == Seen::none) continue;
            Sums s[1][keys / 8] = {};
#pragma unroll
            for (int k = 0; k < steps; ++k) {
                if constexpr (!Shape::keeps_queries) kept[0][0] = Cores::left(queries, warp_row, k);
                Cores::multiply_channels(s, kept[Shape::keeps_queries ? k : 0], k_tile(i), k);
            }
#pragma unroll
            for (int half = 0; half < 2; ++half)
                softmax_row(s[0], o[0], of_row[half], half, u, scale,
                            QueryScore<Score>{score, sequence, h, of_row[half].t}, here == Seen::some);
            Cores::multiply_rows(o, s, v_tile(i));
        }
        copy_async_wait<0>();

        const float sums[2] = {row_sum(of_row[0].sum), row_sum(of_row[1].sum)};
        if (splits.count == 1) {  // through the warp's own rows of the queries' tile, for stores of 16 bytes
            __syncwarp();
            const float inverse[2] = {sums[0] == 0 ? 0.f : 1 / sums[0], sums[1] == 0 ? 0.f : 1 / sums[1]};
            Cores::put(queries, warp_row, o[0], inverse);
            __syncwarp();
            queries.template store_rows<fragment_rows>(y.at(0, 0, h), y.stride, warp_row, segment.first + warp_row,
                                                       segment.end, D);
            continue;
        }
        for (int half = 0; half < 2; ++half) {
            const int n = segment.first + warp_row + row_of_lane(half);
            if (n >= segment.end) continue;
            const int64_t result = splits.index(n, h, H, split);
            if (column_of_lane() == 0)
                store_double_word(splits.statistics + 2 * result, Two{of_row[half].max, sums[half]});
#pragma unroll
            for (int c = 0; c < width / 8; ++c)
                if (8 * c < D)
                    store_double_word(splits.values + result * D + 8 * c + column_of_lane(),
                                      Two{o[0][c][2 * half], o[0][c][2 * half + 1]});
        }
    }
}

}  // namespace

void attention_prompt(const AttentionCached& a, const Splits& splits, Stream s) {
    const RowPlaces rows = places_of(a);
    const dim3 grid(unsigned((rows.N + segment_rows - 1) / segment_rows), unsigned(a.H), unsigned(splits.count));
    by_score(a.score, [&](auto score) {
        by_width<bf16, decltype(score)>(a.D, [&](auto width) {
            using Shape = PromptShape<width>;
            launch(attention_prompt_kernel<Shape, decltype(score)>, grid, dim3(tile_threads), Shape::shared_bytes, s,
                   heads_of<bf16>(a.y, rows.N, a.D), splits, cache_of<const bf16>(a),
                   heads_of<const bf16>(a.q, rows.N, a.D), rows, a.H, float(a.scale), score);
        });
    });
}

}  // namespace gradus::DEVICE
