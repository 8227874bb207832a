// Attention forward on sm_90a, bf16: TMA, wgmma and warp specialisation. The formulas are in kernels/attention.h;
// docs/kernels/attention_hopper.md derives the plan.
//
// Plan. A block has a tile of 128 queries of one head, and three warpgroups. The producer, one warp of the first, copies tiles of
// 128 keys and values by tensor map into a ring of two stages. Each consumer has 64 queries, and computes
//   S = Q·Kᵀ                         both in shared memory
//   P = exp2(S·factor − m·factor)    m: the largest of the row so far; factor = scale·log2(e): one FMA and one exp2 per score
//   O = O·exp2(old m·factor − m·factor) + P·V      P in registers
// The producer needs few registers; setmaxnreg gives the rest to the consumers, so that S, P and O stay in registers.
//
// Overlap. A tile's exponentials take about as long as one of its products. Two things hide them: a consumer starts S of the next
// tile before P·V of this one, so its exponentials run beside P·V; and the consumers start their products in turns, so that one
// computes exponentials while the products of the other run.
//
// Barriers. For K and for V, each stage has a `full` barrier, which counts the bytes of the copy, and an `empty` one, at which each
// consumer warp arrives once its products have read the stage. Stage and phase follow from the number of the tile.
//
// Mask. Only tiles from the first to the last key that the block's queries see are visited, and positions are compared only in a
// tile that a consumer's queries see in part. Values after the last key are cleared: 0·NaN would be NaN.
#include "kernels/choices.h"
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/hopper_tiles.h"
#include "kernels/cuda/memory.h"

namespace gradus::DEVICE {

namespace {

constexpr int consumers = 2, consumer_warps = consumers * warpgroup_threads / warp, stages = 2;
constexpr int block_threads = (1 + consumers) * warpgroup_threads;
constexpr int block_queries = consumers * warpgroup_queries;
constexpr int producer_registers = 24, consumer_registers = 240;  // 24 + 2·240 = 3·168, with which the block starts

// Named barriers.
constexpr int turn_barrier = 1, store_barrier = turn_barrier + consumers;

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

struct StageBarriers {
    MBarrier full[stages], empty[stages];

    __device__ void init() {
        for (int s = 0; s < stages; ++s) {
            mbarrier_init(&full[s], 1);
            mbarrier_init(&empty[s], consumer_warps);
        }
    }
    // Tile i is the i / stages-th of its stage.
    __device__ void wait_full(int i) { mbarrier_wait(&full[i % stages], unsigned(i / stages % 2)); }
    __device__ void wait_empty(int i) {
        if (i >= stages) mbarrier_wait(&empty[i % stages], unsigned(i / stages % 2 ^ 1));
    }
    __device__ void release(int i) {
        if (threadIdx.x % warp == 0) mbarrier_arrive(&empty[i % stages]);
    }
};

struct HopperBarriers {
    MBarrier q, last_values;
    StageBarriers k, v;
};

struct HopperMaps {
    TensorMap q, k, v, y;
};

// The keys of a block.
struct KeyRange {
    int first, end, tiles;
};

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

template <class Shape>
__device__ void produce(HopperStorage<Shape>& shared, HopperBarriers& barriers, const HopperMaps& maps, int b, int h,
                        int g, int first_query, const KeyRange& range, int Tk) {
    using KeyTile = typename Shape::KeyTile;
    const bool issues = threadIdx.x == 0;
    if (issues) {
        mbarrier_arrive_and_expect(&barriers.q, Shape::QueryTile::bytes);
        shared.q.template load<warpgroup_queries>(maps.q, h, first_query, b, &barriers.q);
    }
    for (int i = 0; i < range.tiles; ++i) {
        const int stage = i % stages, first = range.first + i * Shape::keys;
        barriers.k.wait_empty(i);
        if (issues) {
            mbarrier_arrive_and_expect(&barriers.k.full[stage], KeyTile::bytes);
            shared.k[stage].load(maps.k, g, first, b, &barriers.k.full[stage]);
        }
        barriers.v.wait_empty(i);
        if (range.end < min(first + Shape::keys, Tk)) {
            load_last_values(shared.v[stage], maps.v, g, first, range.end, b, barriers, i);
        } else if (issues) {
            mbarrier_arrive_and_expect(&barriers.v.full[stage], KeyTile::bytes);
            shared.v[stage].load(maps.v, g, first, b, &barriers.v.full[stage]);
        }
    }
}

// Lets the consumers start their products in turns. Consumer 0 begins.
struct Turns {
    int consumer;

    __device__ void wait() const { named_barrier_sync(turn_barrier + consumer, consumers * warpgroup_threads); }
    __device__ void pass() const { named_barrier_arrive(turn_barrier + 1 - consumer, consumers * warpgroup_threads); }
};

// y of this thread's rows to the consumer's own rows of Q's tile, and from there by tensor map, which leaves out rows that do not
// exist.
template <class Shape>
__device__ void store_queries(typename Shape::QueryTile& tile, const float (&o)[Shape::width / 2],
                              const float (&inverse)[2], const TensorMap& map, int consumer, int h, int first_query,
                              int b) {
    const int row = consumer * warpgroup_queries;
    const auto all_warps = [&] { named_barrier_sync(store_barrier + consumer, warpgroup_threads); };
    all_warps();  // the products of all warps have read Q
#pragma unroll
    for (int half = 0; half < 2; ++half)
#pragma unroll
        for (int n = 0; n < Shape::width / 8; ++n) {
            const unsigned byte = unsigned(query_of_thread(half) * row_bytes + n % 8 * 16 + column_of_thread() * 2);
            *reinterpret_cast<unsigned*>(tile.panel(n / 8, row) + swizzled(byte, Swizzle::bytes_128)) =
                bf16_pair(o[4 * n + 2 * half] * inverse[half], o[4 * n + 2 * half + 1] * inverse[half]);
        }
    fence_async();
    all_warps();
    if (threadIdx.x % warpgroup_threads != 0) return;
    for (int p = 0; p < Shape::QueryTile::panels; ++p)
        tensor_store(map, {p * panel_width, h, first_query + row, b}, tile.panel(p, row));
    bulk_commit();
    bulk_wait_read<0>();
}

template <class Shape>
__global__ void __launch_bounds__(block_threads, 1)
    attention_forward_hopper_kernel(const __grid_constant__ HopperMaps maps, float* lse, const int32_t* lo,
                                    const int32_t* hi, HeadSizes of, BlockOrder order, float factor) {
    constexpr int width = Shape::width, keys = Shape::keys;
    DYNAMIC_SHARED(HopperStorage<Shape>, shared);
    SHARED(HopperBarriers, barriers, );
    const auto place = order.place();
    if (place.head >= order.heads) return;
    const int b = place.head / int(of.H), h = place.head % int(of.H), g = int(of.group(h)), Tq = int(of.Tq);
    const int first_query = (order.tiles - 1 - place.tile) * block_queries,
              end_query = min(first_query + block_queries, Tq);
    const IntervalRange of_block = interval_range(lo, hi, of, b, first_query, end_query);
    const int seen_keys = max(of_block.last_hi - of_block.first_lo, 0);
    const KeyRange range = {of_block.first_lo, of_block.first_lo + seen_keys, (seen_keys + keys - 1) / keys};

    if (threadIdx.x == 0) {
        mbarrier_init(&barriers.q, 1);
        mbarrier_init(&barriers.last_values, 1);
        barriers.k.init();
        barriers.v.init();
        fence_mbarrier_init();
    }
    __syncthreads();

    if (threadIdx.x < warpgroup_threads) {
        registers_lower<producer_registers>();
        if (threadIdx.x < warp) produce(*shared, barriers, maps, b, h, g, first_query, range, int(of.Tk));
        return;
    }
    registers_raise<consumer_registers>();
    const Turns turns = {int(threadIdx.x) / warpgroup_threads - 1};
    const int row = turns.consumer * warpgroup_queries, first = first_query + row;
    QueryRow rows[2];
    for (int half = 0; half < 2; ++half) rows[half] = query_row(lo, hi, b, first + query_of_thread(half), of);
    const IntervalRange mine = interval_range(lo, hi, of, b, first, min(first + warpgroup_queries, Tq));

    float s[keys / 2], o[width / 2] = {}, rescale[2];
    unsigned p[keys / slice_depth][4];
    const auto softmax = [&](int i) {
        const int u = range.first + i * keys;
        const bool masked = mine.keys(u, u + keys) != Seen::all;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            if (masked) mask_scores(s, rows[half], half, u + column_of_thread());
            rescale[half] = exponentials(s, rows[half], half, factor);
        }
    };

    mbarrier_wait(&barriers.q, 0);
    if (range.tiles > 0) {
        if (turns.consumer == 1) turns.pass();
        barriers.k.wait_full(0);
        turns.wait();
        multiply_scores(s, shared->q, row, shared->k[0]);
        turns.pass();
        wgmma_wait<0>(s);
        barriers.k.release(0);
        softmax(0);
        left_operand(p, s);
    }
    for (int i = 1; i < range.tiles; ++i) {
        barriers.k.wait_full(i);
        turns.wait();
        multiply_scores(s, shared->q, row, shared->k[i % stages]);
        barriers.v.wait_full(i - 1);
        multiply_values(o, p, shared->v[(i - 1) % stages]);
        if (turns.consumer == 0 || i + 1 < range.tiles) turns.pass();
        wgmma_wait<1>(s);
        barriers.k.release(i);
        softmax(i);
        wgmma_wait<0>(o);
        barriers.v.release(i - 1);
        rescale_sums(o, rescale);
        left_operand(p, s);
    }
    if (range.tiles > 0) {
        barriers.v.wait_full(range.tiles - 1);
        multiply_values(o, p, shared->v[(range.tiles - 1) % stages]);
        wgmma_wait<0>(o);
    }

    float inverse[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        float sum = rows[half].sum;
        sum += __shfl_xor_sync(all_lanes, sum, 1);
        sum += __shfl_xor_sync(all_lanes, sum, 2);
        inverse[half] = sum == 0 ? 0.f : 1 / sum;
        const float shift = rows[half].max == -infinity ? 0.f : rows[half].max * factor;
        const int t = first + query_of_thread(half);
        if (threadIdx.x % 4 == 0 && t < Tq) lse[int64_t(place.head) * Tq + t] = (shift + log2f(sum)) * log_of_2;
    }
    store_queries<Shape>(shared->q, o, inverse, maps.y, turns.consumer, h, first_query, b);
}

struct HopperBoxes {
    TensorBox q, k, v, y;
};

HopperBoxes boxes_of(const AttentionForward& a) {
    const int keys = a.D <= 128 ? HopperShape<128>::keys : HopperShape<256>::keys;
    return {heads_box(a.q, a.H, a.Tq, a.B, a.D, warpgroup_queries), heads_box(a.k, a.G, a.Tk, a.B, a.D, keys),
            heads_box(a.v, a.G, a.Tk, a.B, a.D, keys), heads_box(a.y, a.H, a.Tq, a.B, a.D, warpgroup_queries)};
}

}  // namespace

bool fit_hopper(const AttentionForward& a) {
    if (!kernel_choices().hopper || capability() != 90 || a.q.dtype != DType::bf16 || a.D > widest_head<bf16> ||
        !(a.scale > 0))
        return false;
    bool plain = false;
    by_score(a.score, [&](auto score) { plain = is_plain<decltype(score)>; });
    if (!plain) return false;
    const HopperBoxes boxes = boxes_of(a);
    for (const TensorBox& box : {boxes.q, boxes.k, boxes.v, boxes.y})
        if (!problem_of(box).empty()) return false;
    return true;
}

void attention_forward_hopper(const AttentionForward& a, Stream s) {
    const auto run = [&](auto width) {
        using Shape = HopperShape<width>;
        const HopperBoxes boxes = boxes_of(a);
        const HopperMaps maps = {tensor_map(boxes.q), tensor_map(boxes.k), tensor_map(boxes.v), tensor_map(boxes.y)};
        const BlockOrder order = block_order(a.Tq, block_queries, int64_t(a.B) * a.H,
                                             int64_t(2) * a.Tk * a.D * int64_t(sizeof(bf16)) * a.G / a.H);
        launch(attention_forward_hopper_kernel<Shape>, order.grid(), dim3(block_threads), sizeof(HopperStorage<Shape>),
               s, maps, a.lse.as<float>(), a.lo.as<int32_t>(), a.hi.as<int32_t>(),
               HeadSizes{a.B, a.Tq, a.Tk, a.H, a.G, a.D}, order, float(a.scale * log2_of_e));
    };
    if (a.D <= 64) run(std::integral_constant<int, 64>{});
    else if (a.D <= 128) run(std::integral_constant<int, 128>{});
    else run(std::integral_constant<int, 256>{});
}

}  // namespace gradus::DEVICE
