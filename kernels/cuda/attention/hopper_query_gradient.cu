// The gradient of attention's queries on sm_90a, bf16: TMA, wgmma and warp specialisation. The formulas are in kernels/attention.h,
// docs/kernels/attention_hopper.md derives the plan.
//
// Plan. As the forward pass (hopper_forward.cu): a block has 128 queries of one head, 64 per consumer, and visits tiles of the keys that
// they see:
//   S = Q·Kᵀ, dP = dY·Vᵀ      all four in shared memory
//   P = exp2(S·factor − lse), dS = P ∘ (dP − delta)
//   dQ += dS·K                dS in registers; K is read a second time, across its rows
// and dQ is scaled at the end. hopper_backward.h has the order of products and copies.
#include "kernels/choices.h"
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/hopper_backward.h"
#include "kernels/cuda/memory.h"

namespace gradus::DEVICE {

namespace {

// Per thread of a consumer, S and dP take keys / 2 registers each, dS keys / 4 and dQ width / 2. The addresses of a bias's table take some
// more.
template <int width, class Score>
using QueryGradientShape = BackwardShape<width, width <= 64 && !is_table<Score> ? 128 : 64>;

template <class Shape>
struct QueryGradientStorage {
    TilePair<typename Shape::RowTile> rows;  // Q and dY; then dQ in place of Q
    TilePair<typename Shape::ColumnTile> keys[backward_stages];
};

// A query, in the four lanes that share its row. One that does not exist has p = 0.
struct GradientRow {
    int t, lo = 0, hi = 0;
    float lse = infinity, delta = 0;  // lse in base 2
};

template <class Shape, class Score>
struct QueryGradient {
    static constexpr int width = Shape::width, keys = Shape::columns;
    QueryGradientStorage<Shape>& shared;
    int row, first_key;  // row: of Q's tile; first_key: of the block
    IntervalRange seen;
    GradientRow rows[2];
    float scale;
    HeadScore<Score> score;
    float s[keys / 2], d_p[keys / 2], d_q[width / 2] = {};
    unsigned d_s[keys / slice_depth][4];

    __device__ void start_scores(int i) {
        multiply_scores(s, shared.rows.scores, row, shared.keys[i % backward_stages].scores);
    }
    __device__ void start_gradients(int i) {
        multiply_scores(d_p, shared.rows.gradients, row, shared.keys[i % backward_stages].gradients);
    }
    __device__ void start_sums(int i) { multiply_values(d_q, d_s, shared.keys[i % backward_stages].scores); }

    __device__ int distance(int i, int half) const { return first_key + i * keys + column_of_thread() - rows[half].t; }
    // S of tile i becomes P.
    __device__ void probabilities(int i) {
        if constexpr (is_shift<Score>)
#pragma unroll
            for (int e = 0; e < keys / 2; ++e) {
                const GradientRow& of = rows[e / 2 % 2];
                s[e] = probability(s[e], of.lse, scale, score, distance(i, e / 2 % 2), e / 4 * 8 + e % 2);
            }
    }
    // dP becomes dS, rounded.
    __device__ void score_gradients(int i) {
        const int u = first_key + i * keys, column = u + column_of_thread();
        const bool masked = seen.keys(u, u + keys) != Seen::all;
#pragma unroll
        for (int e = 0; e < keys / 2; ++e) {
            const GradientRow& of = rows[e / 2 % 2];
            score_gradient(s[e], d_p[e], of.lse, of.delta, scale, score);
        }
        if (masked)
#pragma unroll
            for (int e = 0; e < keys / 2; ++e) {
                const GradientRow& of = rows[e / 2 % 2];
                const int key = e / 4 * 8 + e % 2;
                if (key < of.lo - column || key >= of.hi - column) d_p[e] = 0;
            }
        left_operand(d_s, d_p);
        wgmma_fence(d_p);  // all is read before the next products start
    }
};

template <class Shape, class Score>
__global__ void __launch_bounds__(block_threads, 1)
    query_gradient_hopper_kernel(const __grid_constant__ BackwardMaps maps, QueryOperands in, HeadSizes of,
                                 BlockOrder order, float scale, Score score) {
    constexpr int keys = Shape::columns;
    DYNAMIC_SHARED(QueryGradientStorage<Shape>, shared);
    SHARED(BackwardBarriers, barriers, );
    const auto place = order.place();
    if (place.head >= order.heads) return;
    const HopperBlock block = hopper_block<keys>(order, place, of, in.lo, in.hi);
    barriers.init();

    if (threadIdx.x < warpgroup_threads) {
        registers_lower<producer_registers>();
        if (threadIdx.x < warp)
            produce_pairs(
                shared->rows, {maps.q, maps.d_y}, {block.h, block.first_query, 0}, shared->keys, {maps.k, maps.v},
                int(of.Tk), block.b, block.tiles, barriers,
                [&](int i) {
                    return TilePlace{block.g, block.first_key + i * keys, block.end_key};
                },
                [](int) {});
        return;
    }
    registers_raise<consumer_registers>();
    const int row = consumer_number() * warpgroup_queries, first = block.first_query + row;
    const auto row_of = [&](int half) {
        const int t = first + query_of_thread(half);
        if (t >= of.Tq) return GradientRow{t};
        const QueryRow interval = query_row(in.lo, in.hi, block.b, t, of);
        return GradientRow{t, interval.lo, interval.hi, in.lse[block.first_row + t] * log2_of_e,
                           in.delta[block.first_row + t]};
    };
    QueryGradient<Shape, Score> mine = {
        .shared = *shared,
        .row = row,
        .first_key = block.first_key,
        .seen = interval_range(in.lo, in.hi, of, block.b, first, min(first + warpgroup_queries, int(of.Tq))),
        .rows = {row_of(0), row_of(1)},
        .scale = scale,
        .score = {score, block.h}};

    // The tiles that the consumer's queries see; the others are released unread.
    const int before = uniform(max(mine.seen.first_lo - block.first_key, 0) / keys),
              end = uniform((max(mine.seen.last_hi - block.first_key, 0) + keys - 1) / keys);
    for (int i = 0; i < min(before, block.tiles); ++i) {
        barriers.ring.wait_full(i);
        barriers.ring.release(i);
    }
    mbarrier_wait(&barriers.rows, 0);
    if (before < end) {
        wgmma_fence(mine.d_q);
        barriers.ring.wait_full(before);
        mine.start_scores(before);
        mine.start_gradients(before);
        wgmma_wait<1>(mine.s);
        mine.probabilities(before);
        wgmma_wait<0>(mine.d_p);
        for (int i = before; i + 1 < end; ++i) {
            mine.score_gradients(i);
            barriers.ring.wait_full(i + 1);
            mine.start_scores(i + 1);
            mine.start_sums(i);
            mine.start_gradients(i + 1);
            wgmma_wait<2>(mine.s);
            mine.probabilities(i + 1);
            wgmma_wait<0>(mine.d_p);
            barriers.ring.release(i);
        }
        mine.score_gradients(end - 1);
        mine.start_sums(end - 1);
        wgmma_wait<0>(mine.d_q);
        barriers.ring.release(end - 1);
    }
    for (int i = max(end, before); i < block.tiles; ++i) {
        barriers.ring.wait_full(i);
        barriers.ring.release(i);
    }
    store_rows(maps.d_q, shared->rows.scores, row, mine.d_q, {scale, scale}, consumer_number(), block.h, first,
               block.b);
}

}  // namespace

bool fit_hopper(const AttentionBackward& a) {
    return kernel_choices().hopper && capability() == 90 && fit_tiles(a) && fit_hopper_tensors(a);
}

void attention_query_gradient_hopper(const AttentionBackward& a, Stream s) {
    const BackwardMaps maps = backward_maps(a);
    const BlockOrder order = block_order(a.Tq, block_queries, int64_t(a.B) * a.H,
                                         int64_t(2) * a.Tk * a.D * int64_t(sizeof(bf16)) * a.G / a.H);
    by_backward_shape(a, [&](auto width, auto score) {
        using Shape = QueryGradientShape<width, decltype(score)>;
        launch(query_gradient_hopper_kernel<Shape, decltype(score)>, order.grid(), dim3(block_threads),
               sizeof(QueryGradientStorage<Shape>), s, maps, query_operands(a), sizes_of(a), order, float(a.scale),
               score);
    });
}

}  // namespace gradus::DEVICE
