// Attention with a cache on tensor cores, bf16. The formulas are in kernels/attention.h.
//
// Plan. A block has one split of the keys of one key head, and up to 16 query vectors that read it: all heads of the group (16 at
// most), of as many consecutive rows of one sequence as fit. So each key and value is read once. The block's four warps share the
// keys, 16 each of every 64, and have the same queries:
//   S = Q·Kᵀ      [16 vectors, 16 keys]        K and V in shared memory
//   O = O·exp2(old max − max) + P·V            P stays in registers, as in attention/forward_tiles.cu
// A warp copies its own keys and values, several tiles ahead, into memory that no other warp uses: no barrier in the loop, and
// enough bytes on the way to keep the memory busy (two stages of 8 KB per warp at D = 128). At the end the warps' results are added in
// order: finish().
#include "kernels/cuda/decoding/rows.h"

namespace gradus::DEVICE {

namespace {

using Cores = Bf16TensorCores;

constexpr int chunk_size = 8;  // elements of 16 bytes
constexpr int vectors = fragment_rows, warp_keys = 16, block_keys = decoding_warps * warp_keys;

template <int head_width>
struct DecodingShape {
    static constexpr int width = head_width;
    static constexpr int stages = width <= 128 ? 3 : 2;
    static constexpr bool keeps_queries = width <= 128;  // in registers
    static constexpr int blocks = width <= 128 ? 2 : 1;  // per multiprocessor

    using KeyTile = Tile<bf16, warp_keys, width>;
    static constexpr int warp_size = stages * 2 * KeyTile::size;  // elements of a warp
    static constexpr int value_stride = width + 8;  // floats of a vector's result: rows in different banks
    static_assert(warp_size * sizeof(bf16) >= vectors * value_stride * sizeof(float), "results replace the tiles");
    static constexpr size_t shared_bytes = (vectors * width + decoding_warps * warp_size) * sizeof(bf16);
};

// Starts to copy the rows [first, first + 16) of a head, by one warp; rows from `end` on, and channels from D on, are zeros.
template <class KeyTile>
__device__ void copy_keys(const KeyTile& tile, const bf16* head, int first, int end, int D) {
#pragma unroll 4
    for (int i = int(threadIdx.x) % warp; i < warp_keys * KeyTile::chunks; i += warp) {
        const int r = i / KeyTile::chunks, c = i % KeyTile::chunks;
        copy_async(tile.chunk(r, c), head + int64_t(first + r) * D + c * chunk_size,
                   first + r < end && c * chunk_size < D);
    }
}

// Grid: (rows_per_block rows, key head and part of its group, split).
template <class Shape, class Score>
__global__ void __launch_bounds__(decoding_warps* warp, Shape::blocks)
    attention_cached_kernel(HeadRows<bf16> y, Splits splits, Cache<const bf16> cache, HeadRows<const bf16> q,
                            RowPlaces rows, int rows_per_block, bool with_long_segments, int H, float scale,
                            Score score) {
    constexpr int width = Shape::width;
    using KeyTile = typename Shape::KeyTile;
    DYNAMIC_SHARED(bf16, shared);
    SHARED(float, statistics, [decoding_warps][vectors][2]);
    const int group = H / int(cache.G), parts = (group + vectors - 1) / vectors, D = int(cache.D);
    const int g = int(blockIdx.y) / parts, part = int(blockIdx.y) % parts, split = int(blockIdx.z);
    const int heads = min(group - part * vectors, vectors), first_head = g * group + part * vectors;
    const int most_rows = vectors / min(group, vectors), w = int(threadIdx.x) / warp;
    const int block_first = int(blockIdx.x) * rows_per_block, block_end = min(block_first + rows_per_block, rows.N);
    const Tile<bf16, vectors, width> queries = {shared, 0};
    const int memory = vectors * width + w * Shape::warp_size;  // of this warp, for its own keys: 16 of every 64
    const auto k_tile = [&](int i) { return KeyTile{shared, memory + i % Shape::stages * 2 * KeyTile::size}; };
    const auto v_tile = [&](int i) { return KeyTile{shared, k_tile(i).start + KeyTile::size}; };

    // Runs of rows: parts of segments that end at multiples of most_rows. A block has those that begin among its rows.
    int count;
    for (int n = block_first; n < block_end; n += count) {
        const Segment segment = segment_of(rows, n);
        const int aligned = n - n % most_rows, begin = max(segment.first, aligned);
        count = min(segment.end, aligned + most_rows) - n;
        if (n > begin || (segment.is_long() && !with_long_segments)) continue;
        const KeyRange seen = keys_of(rows, n, n + count);
        device_check(seen.lo >= 0);
        const int first_key = max(seen.lo, split * splits.keys), end_key = min(seen.end, (split + 1) * splits.keys);
        if (splits.count > 1 && first_key >= end_key) continue;
        const int found = count * heads, sequence = rows.sequence[n];
        const auto place = [&](int m) { return VectorPlace{n + m / heads, first_head + m % heads}; };

        __syncthreads();  // all warps are done with the memory of the run before
        for (int i = int(threadIdx.x); i < vectors * width / chunk_size; i += decoding_warps * warp) {
            const int m = i / (width / chunk_size), c = i % (width / chunk_size);
            const bool valid = m < found && c * chunk_size < D;
            const VectorPlace at = place(valid ? m : 0);
            copy_async(queries.chunk(m, c), q.at(0, at.n, at.h) + (valid ? c * chunk_size : 0), valid);
        }
        copy_async_commit();
        const int own_first = first_key + w * warp_keys, tiles = (end_key - own_first + block_keys - 1) / block_keys;
        const bf16 *const keys = cache.k + cache.slot(sequence, g, 0), *const values =
                                                                           cache.v + cache.slot(sequence, g, 0);
        const auto copy = [&](int i) {
            if (i < tiles) {
                copy_keys(k_tile(i), keys, own_first + i * block_keys, end_key, D);
                copy_keys(v_tile(i), values, own_first + i * block_keys, end_key, D);
            }
            copy_async_commit();
        };
        for (int i = 0; i < Shape::stages - 1; ++i) copy(i);

        SoftmaxRow of_vector[2];
        int heads_of_vectors[2];
        for (int half = 0; half < 2; ++half) {
            const VectorPlace at = place(min(row_of_lane(half), found - 1));  // the last one several times: not stored
            const int t = rows.position[at.n];
            of_vector[half] = {t, rows.lo[at.n], min(t + 1, end_key)};
            heads_of_vectors[half] = int(at.h);
        }

        copy_async_wait<Shape::stages - 1>();
        __syncthreads();
        constexpr int steps = width / Cores::depth;
        Cores::Left kept[Shape::keeps_queries ? steps : 1][1];
        if constexpr (Shape::keeps_queries)
#pragma unroll
            for (int k = 0; k < steps; ++k) kept[k][0] = Cores::left(queries, 0, k);

        Sums o[1][width / 8] = {};
        for (int i = 0; i < tiles; ++i) {
            copy_async_wait<Shape::stages - 2>();
            __syncwarp();  // tile i is here, and all lanes are done with tile i − 1
            copy(i + Shape::stages - 1);
            Sums s[1][2] = {};
#pragma unroll
            for (int k = 0; k < steps; ++k) {
                if constexpr (!Shape::keeps_queries) kept[0][0] = Cores::left(queries, 0, k);
                Cores::multiply_channels(s, kept[Shape::keeps_queries ? k : 0], k_tile(i), k);
            }
            if constexpr (!is_plain<Score>) __syncwarp();  // or the compiler loads biases early, which takes registers
#pragma unroll
            for (int half = 0; half < 2; ++half)
                softmax_row(s[0], o[0], of_vector[half], half, own_first + i * block_keys, scale,
                            QueryScore<Score>{score, sequence, heads_of_vectors[half], of_vector[half].t}, true);
            Cores::multiply_rows(o, s, v_tile(i));
        }
        copy_async_wait<0>();
        __syncwarp();

        // The results replace the warp's tiles.
        auto* const results = reinterpret_cast<float*>(shared + memory);
        for (int half = 0; half < 2; ++half) {
            const int m = row_of_lane(half);
            const float sum = row_sum(of_vector[half].sum);
            if (column_of_lane() == 0) {
                statistics[w][m][0] = of_vector[half].max;
                statistics[w][m][1] = sum;
            }
#pragma unroll
            for (int c = 0; c < width / 8; ++c)
                store_double_word(results + m * Shape::value_stride + 8 * c + column_of_lane(),
                                  Two{o[0][c][2 * half], o[0][c][2 * half + 1]});
        }
        __syncthreads();
        const WarpResults<vectors> of_warps = {reinterpret_cast<float*>(shared + vectors * width),
                                               Shape::warp_size * int(sizeof(bf16)) / int(sizeof(float)),
                                               Shape::value_stride, statistics};
        finish(y, splits, split, H, of_warps, found, D, place);
    }
}

}  // namespace

void attention_cached_tiles(const AttentionCached& a, Stream s) {
    const Splits splits = splits_of(a, s);
    const RowPlaces rows = places_of(a);
    // With more rows than sequences, some are of prompts. Otherwise most are alone, and each has blocks of its own.
    const bool prompts = rows.N > a.k_cache.shape.dim[0];
    const int group = a.H / a.G, parts = (group + vectors - 1) / vectors;
    const int rows_per_block = prompts ? vectors / std::min(group, vectors) : 1;
    const dim3 grid(unsigned((rows.N + rows_per_block - 1) / rows_per_block), unsigned(a.G * parts),
                    unsigned(splits.count));
    const bool long_segments = prompts && rows.N >= long_segment;
    if (long_segments) attention_prompt(a, splits, s);
    by_score(a.score, [&](auto score) {
        by_width<bf16, decltype(score)>(a.D, [&](auto width) {
            using Shape = DecodingShape<width>;
            launch(attention_cached_kernel<Shape, decltype(score)>, grid, dim3(decoding_warps * warp),
                   Shape::shared_bytes, s, heads_of<bf16>(a.y, rows.N, a.D), splits, cache_of<const bf16>(a),
                   heads_of<const bf16>(a.q, rows.N, a.D), rows, rows_per_block, !long_segments, a.H, float(a.scale),
                   score);
        });
    });
    combine_splits(a, splits, s);
}

}  // namespace gradus::DEVICE
