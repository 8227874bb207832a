#pragma once
// Warp specialisation of attention's forward pass on sm_90a: the producer and the state of a consumer. A kernel adds the order in which
// a consumer multiplies and computes exponentials.
//
// A block has a tile of 128 queries of one head. The producer copies tiles of keys and values by tensor map, each into a ring of its
// own; a consumer has 64 of the queries. hopper_block.h has what the backward pass shares.
#include "kernels/cuda/attention/hopper_block.h"
#include "kernels/cuda/attention/hopper_scores.h"

namespace gradus::DEVICE {

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

struct HopperBarriers {
    MBarrier q, last_values;
    StageBarriers<stages> k, v;

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
            load_part<Shape::keys>(shared.v[stage], maps.v, g, first, block.end_key, b, &barriers.last_values, 0);
            if (issues) mbarrier_arrive(&barriers.v.full[stage]);
        } else if (issues) {
            mbarrier_arrive_and_expect(&barriers.v.full[stage], KeyTile::bytes);
            shared.v[stage].load(maps.v, g, first, b, &barriers.v.full[stage]);
        }
    }
}

// A consumer: its 64 queries, in the registers of its threads.
template <class Shape, class Score = PlainScore>
struct Consumer {
    static constexpr int width = Shape::width, keys = Shape::keys;
    HopperStorage<Shape>& shared;
    int number, row, first_query, first_key;  // row: of Q's tile; first_key: of the block
    IntervalRange seen;
    QueryRow rows[2];
    float scale, factor;  // factor: of scores in the exponents, base 2
    HeadScore<Score> score;
    float s[keys / 2], o[width / 2] = {}, rescale[2];
    unsigned p[keys / slice_depth][4];

    __device__ Consumer(HopperStorage<Shape>& storage, const HopperBlock& block, const int32_t* lo, const int32_t* hi,
                        const HeadSizes& of, float scale_of_scores, const Score& function = {})
        : shared(storage),
          number(consumer_number()),
          row(number * warpgroup_queries),
          first_query(block.first_query + row),
          first_key(block.first_key),
          seen(interval_range(lo, hi, of, block.b, first_query, min(first_query + warpgroup_queries, int(of.Tq)))),
          rows{query_row(lo, hi, block.b, first_query + query_of_thread(0), of),
               query_row(lo, hi, block.b, first_query + query_of_thread(1), of)},
          scale(scale_of_scores),
          factor(is_plain<Score> ? scale * log2_of_e : log2_of_e),
          score(function, block.h) {}

    // Starts S of tile i, and O += P·V.
    __device__ void start_scores(int i) { multiply_scores(s, shared.q, row, shared.k[i % stages]); }
    __device__ void start_values(int i) { multiply_values(o, p, shared.v[i % stages]); }

    // S of tile i becomes exponentials, relative to the maxima so far. O and P do not change.
    __device__ void softmax(int i) {
        const int u = first_key + i * keys;
        const bool masked = seen.keys(u, u + keys) != Seen::all;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            if constexpr (!is_plain<Score>)
                apply_score(s, score, half, scale, u + column_of_thread() - first_query - query_of_thread(half));
            if (masked) mask_scores(s, rows[half], half, u + column_of_thread());
            rescale[half] = exponentials(s, rows[half], half, factor);
        }
    }
    __device__ void rescale_values() { rescale_sums(o, rescale); }
    __device__ void round_scores() { left_operand(p, s); }

    // y goes through the consumer's own rows of Q's tile.
    __device__ void store(const TensorMap& map, float* lse, const HopperBlock& block, int Tq) {
        float inverse[2];
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float sum = rows[half].sum;
            sum += __shfl_xor_sync(all_lanes, sum, 1);
            sum += __shfl_xor_sync(all_lanes, sum, 2);
            inverse[half] = sum == 0 ? 0.f : 1 / sum;
            const int t = first_query + query_of_thread(half);
            if (threadIdx.x % 4 == 0 && t < Tq)
                lse[block.first_row + t] = (rows[half].shift(factor) + log2f(sum)) * log_of_2;
        }
        store_rows(map, shared.q, row, o, inverse, number, block.h, first_query, block.b);
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

// Whether the tensors have tensor maps. The scale must be positive: the largest score is found before it is applied.
inline bool fit_hopper_pipeline(const AttentionForward& a) {
    if (a.q.dtype != DType::bf16 || a.D > widest_head<bf16> || !(a.scale > 0)) return false;
    const HopperBoxes boxes = hopper_boxes(a);
    for (const TensorBox& box : {boxes.q, boxes.k, boxes.v, boxes.y})
        if (!problem_of(box).empty()) return false;
    return true;
}

// Launches kernels(HopperShape<width>()): a kernel with the parameters of attention_forward_hopper_kernel; `more` are those after scale.
template <class Kernels, class... More>
void launch_hopper(const AttentionForward& a, Stream s, Kernels kernels, const More&... more) {
    const HopperBoxes boxes = hopper_boxes(a);
    const HopperMaps maps = {tensor_map(boxes.q), tensor_map(boxes.k), tensor_map(boxes.v), tensor_map(boxes.y)};
    const BlockOrder order = block_order(a.Tq, block_queries, int64_t(a.B) * a.H,
                                         int64_t(2) * a.Tk * a.D * int64_t(sizeof(bf16)) * a.G / a.H);
    const auto run = [&](auto width) {
        using Shape = HopperShape<width>;
        launch(kernels(Shape()), order.grid(), dim3(block_threads), sizeof(HopperStorage<Shape>), s, maps,
               a.lse.as<float>(), a.lo.as<int32_t>(), a.hi.as<int32_t>(), HeadSizes{a.B, a.Tq, a.Tk, a.H, a.G, a.D},
               order, float(a.scale), more...);
    };
    if (a.D <= 64) run(std::integral_constant<int, 64>{});
    else if (a.D <= 128) run(std::integral_constant<int, 128>{});
    else run(std::integral_constant<int, widest_head<bf16>>{});
}

}  // namespace gradus::DEVICE
