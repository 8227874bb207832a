#pragma once
// Warp specialisation of attention's backward pass on sm_90a: what the kernel of dQ and that of dK and dV have in common.
//
// Both keep two tiles of 128 rows, Q and dY or K and V, and visit tiles of two others, `columns` rows at a time: K and V, or Q and dY.
// The first products are the same with the roles exchanged, S or Sᵀ and dP or dPᵀ. A consumer has 64 of the rows, in the registers of
// its threads, and stores the gradients of these rows: every sum is one thread's, in a fixed order.
//
// Order. Registers hold P and dS rounded to bf16 as left operands, while the first products of the next tile already run:
//   wait for S;  P = exponentials of S;  wait for dP;  dS = P ∘ (dP − delta);  start S of the next tile, the gradients of this, dP of the
//   next
// so that exponentials run beside the gradients' products, and the other consumer's. A ring of three stages leaves the time of a tile
// for the copy of the one after the next.
#include "kernels/cuda/attention/backward_tiles.h"
#include "kernels/cuda/attention/hopper_block.h"
#include "kernels/cuda/attention/hopper_scores.h"

namespace gradus::DEVICE {

constexpr int backward_stages = 3, box_rows = warpgroup_queries;  // one box for all tensors

template <int head_width, int tile_columns>
struct BackwardShape {
    static constexpr int width = head_width, columns = tile_columns;
    using RowTile = SwizzledTile<consumers * warpgroup_queries, width>;
    using ColumnTile = SwizzledTile<columns, width>;
};

// Of the queries of a tile of columns. Queries that the block does not see have lse = ∞, so that p = 0.
template <int count>
struct HopperQueryRows {
    float lse[count], delta[count];  // lse in base 2
    int32_t lo[count], hi[count];
};

struct BackwardMaps {
    TensorMap d_q, d_k, d_v, d_y, q, k, v;
};

struct BackwardBarriers {
    MBarrier rows, part;
    StageBarriers<backward_stages, 2> ring;

    __device__ void init() {
        if (threadIdx.x == 0) {
            mbarrier_init(&rows, 1);
            mbarrier_init(&part, 1);
            ring.init();
            fence_mbarrier_init();
        }
        __syncthreads();
    }
};

// Two tiles to be multiplied by those of the other kind, S and dP: Q and dY, or K and V.
template <class Tile>
struct TilePair {
    Tile scores, gradients;
};
struct MapPair {
    const TensorMap &scores, &gradients;
};

// A place of tiles: of the rows [first, end) of a head. From `end` on, those that exist are copied as zeros.
struct TilePlace {
    int head, first, end;
};

// Copies the block's rows, and the tiles of columns at place_of(i). fill(i) is called by all lanes when stage i is empty, to write what
// else the consumers need. By the producer's warp.
template <class Rows, class Columns, class PlaceOf, class Fill>
__device__ void produce_pairs(TilePair<Rows>& rows, const MapPair& row_maps, const TilePlace& of_rows,
                              TilePair<Columns> (&columns)[backward_stages], const MapPair& maps, int existing, int b,
                              int tiles, BackwardBarriers& barriers, PlaceOf place_of, Fill fill) {
    const bool issues = threadIdx.x == 0;
    if (issues) {
        mbarrier_arrive_and_expect(&barriers.rows, 2 * Rows::bytes);
        rows.scores.template load<box_rows>(row_maps.scores, of_rows.head, of_rows.first, b, &barriers.rows);
        rows.gradients.template load<box_rows>(row_maps.gradients, of_rows.head, of_rows.first, b, &barriers.rows);
    }
    for (int i = 0, parts = 0; i < tiles; ++i) {
        auto& stage = columns[i % backward_stages];
        MBarrier* const full = &barriers.ring.full[i % backward_stages];
        const TilePlace at = place_of(i);
        barriers.ring.wait_empty(i);
        if (at.end < min(at.first + Columns::rows, existing)) {
            load_part<box_rows>(stage.scores, maps.scores, at.head, at.first, at.end, b, &barriers.part, parts++);
            load_part<box_rows>(stage.gradients, maps.gradients, at.head, at.first, at.end, b, &barriers.part, parts++);
            if (issues) mbarrier_arrive(full);
        } else if (issues) {
            mbarrier_arrive_and_expect(full, 2 * Columns::bytes);
            stage.scores.template load<box_rows>(maps.scores, at.head, at.first, b, full);
            stage.gradients.template load<box_rows>(maps.gradients, at.head, at.first, b, full);
        }
        fill(i);
        __syncwarp();
        if (issues) mbarrier_arrive(full);
    }
}

// ---- the values of a pair of a query and a key ---------------------------------------------------------------------------

// Whether a score function is a shift: its gradient passes, and p alone is needed from the first product.
template <class Score>
constexpr bool is_shift = !std::is_same_v<Score, SoftCapScore<float>>;

template <class Score>
constexpr bool is_table = std::is_same_v<Score, RelativeBiasScore<float>>;

// exp2(score − lse), of the product s = q·k. lse in base 2.
template <class Score>
__device__ float probability(float s, float lse, float scale, const HeadScore<Score>& score, int distance, int offset) {
    if constexpr (is_plain<Score>) return exp2_approximate(s * (scale * log2_of_e) - lse);
    else return exp2_approximate(score(scale * s, distance, offset) * log2_of_e - lse);
}

// s and d_p become p and d_s. If the score function is a shift, s is p already.
template <class Score>
__device__ void score_gradient(float& s, float& d_p, float lse, float delta, float scale,
                               const HeadScore<Score>& score) {
    if constexpr (is_shift<Score>) d_p = s * (d_p - delta);
    else {
        // tanh with an absolute error of 2e-7 and without the registers of tanhf: p and d_s are rounded to bf16.
        const float share = 1 - __fdividef(2.f, 1 + __expf(2 * score.inverse * (scale * s)));
        s = exp2_approximate(score.cap * share * log2_of_e - lse);
        d_p = score.with_share(s * (d_p - delta), share);
    }
}

// ---- on the host -------------------------------------------------------------------------------------------------------

struct BackwardBoxes {
    TensorBox d_q, d_k, d_v, d_y, q, k, v;
};
inline BackwardBoxes backward_boxes(const AttentionBackward& a) {
    const auto of_queries = [&](const Tensor& t) { return heads_box(t, a.H, a.Tq, a.B, a.D, box_rows); };
    const auto of_keys = [&](const Tensor& t) { return heads_box(t, a.G, a.Tk, a.B, a.D, box_rows); };
    return {of_queries(a.d_q), of_keys(a.d_k), of_keys(a.d_v), of_queries(a.d_y),
            of_queries(a.q),   of_keys(a.k),   of_keys(a.v)};
}
inline BackwardMaps backward_maps(const AttentionBackward& a) {
    const BackwardBoxes boxes = backward_boxes(a);
    return {tensor_map(boxes.d_q), tensor_map(boxes.d_k), tensor_map(boxes.d_v), tensor_map(boxes.d_y),
            tensor_map(boxes.q),   tensor_map(boxes.k),   tensor_map(boxes.v)};
}

constexpr int widest_backward = 128, widest_with_table = 64;  // heads whose gradients fit in registers

inline bool fit_hopper_tensors(const AttentionBackward& a) {
    const bool table = std::holds_alternative<RelativeBias>(a.score);
    if (a.q.dtype != DType::bf16 || a.D > (table ? widest_with_table : widest_backward) || !(a.scale > 0)) return false;
    const BackwardBoxes boxes = backward_boxes(a);
    for (const TensorBox& box : {boxes.d_q, boxes.d_k, boxes.d_v, boxes.d_y, boxes.q, boxes.k, boxes.v})
        if (!problem_of(box).empty()) return false;
    return true;
}

// Calls run(width, score), the head width of the kernel as a constant.
template <class Run>
void by_backward_shape(const AttentionBackward& a, Run run) {
    by_score(a.score, [&](auto score) {
        if (a.D <= 64) return run(std::integral_constant<int, 64>{}, score);
        if constexpr (!is_table<decltype(score)>) run(std::integral_constant<int, 128>{}, score);
    });
}

// The floats and integers of queries that both kernels read.
struct QueryOperands {
    const float *lse, *delta;
    const int32_t *lo, *hi;
};
inline QueryOperands query_operands(const AttentionBackward& a) {
    return {a.lse.as<float>(), a.delta.as<float>(), a.lo.as<int32_t>(), a.hi.as<int32_t>()};
}

}  // namespace gradus::DEVICE
