#pragma once
// What the blocks of attention on sm_90a have in common: their roles, the rings of stages between them, their work, and the store of a
// result.
//
// A block has three warpgroups. One warp of the first is the producer: it copies tiles by tensor map. The other two are consumers
// with 64 rows each of the block's 128. Each stage of a ring has a `full` barrier, which counts the bytes of the copy, and an `empty`
// one, at which each consumer warp arrives once its products have read the stage. Stage and phase follow from the number of the tile.
#include "kernels/cuda/attention/hopper_tiles.h"

namespace gradus::DEVICE {

constexpr int consumers = 2, consumer_warps = consumers * warpgroup_threads / warp, stages = 2;
constexpr int block_threads = (1 + consumers) * warpgroup_threads;
constexpr int block_queries = consumers * warpgroup_queries;
constexpr int producer_registers = 24, consumer_registers = 240;  // 24 + 2·240 = 3·168, with which the block starts

constexpr int turn_barrier = 1, store_barrier = turn_barrier + consumers;  // named barriers, one for each consumer

__device__ inline int consumer_number() { return int(threadIdx.x) / warpgroup_threads - 1; }

// A value that is the same in the whole warp, so that the compiler knows it: branches on others would make it wait after each wgmma.
__device__ inline int uniform(int x) { return __shfl_sync(all_lanes, x, 0); }

template <int depth, int producer_arrivals = 1>
using StageBarriers = RingBarriers<depth, consumer_warps, producer_arrivals>;

// The work of a block with queries: the queries, and the keys that they see.
struct HopperBlock {
    int b, h, g, first_query, first_key, end_key, tiles;
    int64_t first_row;  // of lse: of query 0
};

template <int tile_keys>
__device__ HopperBlock hopper_block(const BlockOrder& order, const BlockOrder::Place& place, const HeadSizes& of,
                                    const int32_t* lo, const int32_t* hi) {
    const int b = place.head / int(of.H), h = place.head % int(of.H);
    const int first = (order.tiles - 1 - place.tile) * block_queries;
    const IntervalRange seen = interval_range(lo, hi, of, b, first, min(first + block_queries, int(of.Tq)));
    const int keys = max(seen.last_hi - seen.first_lo, 0);
    return {b,
            h,
            int(of.group(h)),
            first,
            seen.first_lo,
            seen.first_lo + keys,
            (keys + tile_keys - 1) / tile_keys,
            place.head * of.Tq};
}

// A tile of the rows from `first` on, with zeros from row `end` on. By the producer's warp, which waits; `landed` is the producer's own,
// and was used `uses` times before.
template <int box_rows, class Tile>
__device__ void load_part(Tile& tile, const TensorMap& map, int head, int first, int end, int b, MBarrier* landed,
                          int uses) {
    const int lane = int(threadIdx.x);
    if (lane == 0) {
        mbarrier_arrive_and_expect(landed, Tile::bytes);
        tile.template load<box_rows>(map, head, first, b, landed);
    }
    mbarrier_wait(landed, unsigned(uses % 2));
    for (int p = 0; p < Tile::panels; ++p)
        for (int byte = (end - first) * row_bytes + lane * 16; byte < Tile::rows * row_bytes; byte += warp * 16)
            store_pack(reinterpret_cast<float*>(tile.panel(p) + byte), Pack<float>{});
    fence_async();
    __syncwarp();
}

// Stores a consumer's 64 rows of a result, each times the factor of its half, as rows from `first` on of a head. They go through the
// consumer's rows of `tile`, from `row` on, whose products are done, and leave by tensor map, which leaves out rows that do not exist.
template <class Tile, int count>
__device__ void store_rows(const TensorMap& map, Tile& tile, int row, const float (&sums)[count],
                           const float (&factors)[2], int consumer, int head, int first, int b) {
    static_assert(count == Tile::width / 2);
    const auto all_warps = [&] { named_barrier_sync(store_barrier + consumer, warpgroup_threads); };
    all_warps();  // the products of all warps have read the tile
#pragma unroll
    for (int half = 0; half < 2; ++half)
#pragma unroll
        for (int n = 0; n < count / 4; ++n) {
            const unsigned byte = unsigned(query_of_thread(half) * row_bytes + n % 8 * 16 + column_of_thread() * 2);
            *reinterpret_cast<unsigned*>(tile.panel(n / 8, row) + swizzled(byte, Swizzle::bytes_128)) =
                bf16_pair(sums[4 * n + 2 * half] * factors[half], sums[4 * n + 2 * half + 1] * factors[half]);
        }
    fence_async();
    all_warps();
    if (threadIdx.x % warpgroup_threads != 0) return;
    for (int panel = 0; panel < Tile::panels; ++panel)
        tensor_store(map, {panel * panel_width, head, first, b}, tile.panel(panel, row));
    bulk_commit();
    bulk_wait_read<0>();
}

}  // namespace gradus::DEVICE
