#pragma once
// Warp specialisation of attention on sm_90a: the producer, the ring of stages that it fills, and the state of a consumer. A kernel adds
// the order in which a consumer multiplies and computes exponentials.
//
// A block has a tile of 128 queries of one head and three warpgroups. One warp of the first is the producer: it copies tiles of keys
// and values by tensor map. The other two are consumers with 64 queries each. For K and for V, each stage of the ring has a `full`
// barrier, which counts the bytes of the copy, and an `empty` one, at which each consumer warp arrives once its products have read
// the stage. Stage and phase follow from the number of the tile.
#include "kernels/cuda/attention/hopper_tiles.h"

namespace gradus::DEVICE {

constexpr int consumers = 2, consumer_warps = consumers * warpgroup_threads / warp, stages = 2;
constexpr int block_threads = (1 + consumers) * warpgroup_threads;
constexpr int block_queries = consumers * warpgroup_queries;
constexpr int producer_registers = 24, consumer_registers = 240;  // 24 + 2·240 = 3·168, with which the block starts

constexpr int turn_barrier = 1, store_barrier = turn_barrier + consumers;  // named barriers, one for each consumer

// Per thread of a consumer, S takes keys / 2 registers, P keys / 4 and O width / 2.
template <int head_width>
struct HopperShape {
    static constexpr int width = head_width, keys = width <= 128 ? 128 : 64;
    using QueryTile = SwizzledTile<block_queries, width>;
    using KeyTile = SwizzledTile<keys, width>;
};

template <class Shape>
struct HopperStorage {
    typename Shape::QueryTile q;  // then y
    typename Shape::KeyTile k[stages], v[stages];
};

using StageBarriers = RingBarriers<stages, consumer_warps>;

struct HopperBarriers {
    MBarrier q, last_values;
    StageBarriers k, v;

    __device__ void init() {
        if (threadIdx.x == 0) {
            mbarrier_init(&q, 1);
            mbarrier_init(&last_values, 1);
            k.init();
            v.init();
            fence_mbarrier_init();
        }
        __syncthreads();
    }
};

struct HopperMaps {
    TensorMap q, k, v, y;
};

// The work of a block: its queries, and the keys that they see.
struct HopperBlock {
    int b, h, g, first_query, first_key, end_key, tiles;
    int64_t first_row;  // of lse: of query 0
};

template <class Shape>
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
            (keys + Shape::keys - 1) / Shape::keys,
            place.head * of.Tq};
}

// The last tile's values, with zeros from key `end` on. By the producer's warp; `i` is the tile.
template <class Tile>
__device__ void load_last_values(Tile& tile, const TensorMap& map, int g, int first, int end, int b,
                                 HopperBarriers& barriers, int i) {
    const int lane = int(threadIdx.x);
    if (lane == 0) {
        mbarrier_arrive_and_expect(&barriers.last_values, Tile::bytes);
        tile.load(map, g, first, b, &barriers.last_values);
    }
    mbarrier_wait(&barriers.last_values, 0);
    for (int p = 0; p < Tile::panels; ++p)
        for (int byte = (end - first) * row_bytes + lane * 16; byte < Tile::rows * row_bytes; byte += warp * 16)
            store_pack(reinterpret_cast<float*>(tile.panel(p) + byte), Pack<float>{});
    fence_async();
    __syncwarp();
    if (lane == 0) mbarrier_arrive(&barriers.v.full[i % stages]);
}

// By the producer's warp.
template <class Shape>
__device__ void produce(HopperStorage<Shape>& shared, HopperBarriers& barriers, const HopperMaps& maps,
                        const HopperBlock& block, int Tk) {
    using KeyTile = typename Shape::KeyTile;
    const int b = block.b, g = block.g;
    const bool issues = threadIdx.x == 0;
    if (issues) {
        mbarrier_arrive_and_expect(&barriers.q, Shape::QueryTile::bytes);
        shared.q.template load<warpgroup_queries>(maps.q, block.h, block.first_query, b, &barriers.q);
    }
    for (int i = 0; i < block.tiles; ++i) {
        const int stage = i % stages, first = block.first_key + i * Shape::keys;
        barriers.k.wait_empty(i);
        if (issues) {
            mbarrier_arrive_and_expect(&barriers.k.full[stage], KeyTile::bytes);
            shared.k[stage].load(maps.k, g, first, b, &barriers.k.full[stage]);
        }
        barriers.v.wait_empty(i);
        if (block.end_key < min(first + Shape::keys, Tk)) {
            load_last_values(shared.v[stage], maps.v, g, first, block.end_key, b, barriers, i);
        } else if (issues) {
            mbarrier_arrive_and_expect(&barriers.v.full[stage], KeyTile::bytes);
            shared.v[stage].load(maps.v, g, first, b, &barriers.v.full[stage]);
        }
    }
}

// A consumer: its 64 queries, in the registers of its threads.
template <class Shape>
struct Consumer {
    static constexpr int width = Shape::width, keys = Shape::keys;
    HopperStorage<Shape>& shared;
    int number, row, first_query, first_key;  // row: of Q's tile; first_key: of the block
    IntervalRange seen;
    QueryRow rows[2];
    float factor;  // scale·log2(e)
    float s[keys / 2], o[width / 2] = {}, rescale[2];
    unsigned p[keys / slice_depth][4];

    __device__ Consumer(HopperStorage<Shape>& storage, const HopperBlock& block, const int32_t* lo, const int32_t* hi,
                        const HeadSizes& of, float score_factor)
        : shared(storage),
          number(int(threadIdx.x) / warpgroup_threads - 1),
          row(number * warpgroup_queries),
          first_query(block.first_query + row),
          first_key(block.first_key),
          seen(interval_range(lo, hi, of, block.b, first_query, min(first_query + warpgroup_queries, int(of.Tq)))),
          rows{query_row(lo, hi, block.b, first_query + query_of_thread(0), of),
               query_row(lo, hi, block.b, first_query + query_of_thread(1), of)},
          factor(score_factor) {}

    // Starts S of tile i, and O += P·V.
    __device__ void start_scores(int i) { multiply_scores(s, shared.q, row, shared.k[i % stages]); }
    __device__ void start_values(int i) { multiply_values(o, p, shared.v[i % stages]); }

    // S of tile i becomes exponentials, relative to the maxima so far. O and P do not change.
    __device__ void softmax(int i) {
        const int u = first_key + i * keys;
        const bool masked = seen.keys(u, u + keys) != Seen::all;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            if (masked) mask_scores(s, rows[half], half, u + column_of_thread());
            rescale[half] = exponentials(s, rows[half], half, factor);
        }
    }
    __device__ void rescale_values() { rescale_sums(o, rescale); }
    __device__ void round_scores() { left_operand(p, s); }

    // y goes to the consumer's own rows of Q's tile, and from there by tensor map, which leaves out rows that do not exist.
    __device__ void store(const TensorMap& map, float* lse, const HopperBlock& block, int Tq) {
        const auto all_warps = [&] { named_barrier_sync(store_barrier + number, warpgroup_threads); };
        auto& tile = shared.q;
        all_warps();  // the products of all warps have read Q
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float sum = rows[half].sum;
            sum += __shfl_xor_sync(all_lanes, sum, 1);
            sum += __shfl_xor_sync(all_lanes, sum, 2);
            const float inverse = sum == 0 ? 0.f : 1 / sum, shift = rows[half].shift(factor);
            const int t = first_query + query_of_thread(half);
            if (threadIdx.x % 4 == 0 && t < Tq) lse[block.first_row + t] = (shift + log2f(sum)) * log_of_2;
#pragma unroll
            for (int n = 0; n < width / 8; ++n) {
                const unsigned byte = unsigned(query_of_thread(half) * row_bytes + n % 8 * 16 + column_of_thread() * 2);
                *reinterpret_cast<unsigned*>(tile.panel(n / 8, row) + swizzled(byte, Swizzle::bytes_128)) =
                    bf16_pair(o[4 * n + 2 * half] * inverse, o[4 * n + 2 * half + 1] * inverse);
            }
        }
        fence_async();
        all_warps();
        if (threadIdx.x % warpgroup_threads != 0) return;
        for (int panel = 0; panel < Shape::QueryTile::panels; ++panel)
            tensor_store(map, {panel * panel_width, block.h, first_query, block.b}, tile.panel(panel, row));
        bulk_commit();
        bulk_wait_read<0>();
    }
};

// ---- on the host -------------------------------------------------------------------------------------------------------

struct HopperBoxes {
    TensorBox q, k, v, y;
};
inline HopperBoxes hopper_boxes(const AttentionForward& a) {
    const int keys = a.D <= 128 ? HopperShape<128>::keys : HopperShape<256>::keys;
    return {heads_box(a.q, a.H, a.Tq, a.B, a.D, warpgroup_queries), heads_box(a.k, a.G, a.Tk, a.B, a.D, keys),
            heads_box(a.v, a.G, a.Tk, a.B, a.D, keys), heads_box(a.y, a.H, a.Tq, a.B, a.D, warpgroup_queries)};
}

// Whether the tensors have tensor maps, and the scores no function. The scale must be positive: the largest score is found before it
// is applied.
inline bool fit_hopper_pipeline(const AttentionForward& a) {
    if (a.q.dtype != DType::bf16 || a.D > widest_head<bf16> || !(a.scale > 0)) return false;
    if (!std::holds_alternative<PlainScore>(a.score)) return false;
    const HopperBoxes boxes = hopper_boxes(a);
    for (const TensorBox& box : {boxes.q, boxes.k, boxes.v, boxes.y})
        if (!problem_of(box).empty()) return false;
    return true;
}

// Launches kernels(HopperShape<width>()): a kernel with the parameters of attention_forward_hopper_kernel.
template <class Kernels>
void launch_hopper(const AttentionForward& a, Stream s, Kernels kernels) {
    const HopperBoxes boxes = hopper_boxes(a);
    const HopperMaps maps = {tensor_map(boxes.q), tensor_map(boxes.k), tensor_map(boxes.v), tensor_map(boxes.y)};
    const BlockOrder order = block_order(a.Tq, block_queries, int64_t(a.B) * a.H,
                                         int64_t(2) * a.Tk * a.D * int64_t(sizeof(bf16)) * a.G / a.H);
    const auto run = [&](auto width) {
        using Shape = HopperShape<width>;
        launch(kernels(Shape()), order.grid(), dim3(block_threads), sizeof(HopperStorage<Shape>), s, maps,
               a.lse.as<float>(), a.lo.as<int32_t>(), a.hi.as<int32_t>(), HeadSizes{a.B, a.Tq, a.Tk, a.H, a.G, a.D},
               order, float(a.scale * log2_of_e));
    };
    if (a.D <= 64) run(std::integral_constant<int, 64>{});
    else if (a.D <= 128) run(std::integral_constant<int, 128>{});
    else run(std::integral_constant<int, widest_head<bf16>>{});
}

}  // namespace gradus::DEVICE
