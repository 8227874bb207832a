// The gradients of attention's keys and values on sm_90a, bf16: TMA, wgmma and warp specialisation. The formulas are in
// kernels/attention.h, docs/kernels/attention_hopper.md derives the plan.
//
// Plan. A block has 128 keys of one key head, 64 per consumer. It visits the query heads of the group, in order, and for each the tiles
// of the queries that see some of its keys, in order; these are consecutive, because lo and hi never decrease:
//   Sᵀ = K·Qᵀ, dPᵀ = V·dYᵀ      all four in shared memory
//   Pᵀ = exp2(Sᵀ·factor − lse), dSᵀ = Pᵀ ∘ (dPᵀ − delta)
//   dV += Pᵀ·dY, dK += dSᵀ·Q    Pᵀ and dSᵀ in registers; Q and dY are read a second time, across their rows
// So rows are keys, and no two warps add to the same sum. With each tile the producer writes the lse, delta, lo and hi of its queries to
// shared memory. dK is scaled at the end. hopper_backward.h has the order of products and copies.
#include "kernels/cuda/attention/attention_ops.h"
#include "kernels/cuda/attention/hopper_backward.h"
#include "kernels/cuda/memory.h"

namespace gradus::DEVICE {

namespace {

constexpr int block_keys = consumers * warpgroup_queries;

// Per thread of a consumer, Sᵀ and dPᵀ take queries / 2 registers each, Pᵀ and dSᵀ rounded queries / 4 each, dK and dV width / 2 each.
template <int width>
using KeyGradientsShape = BackwardShape<width, 64>;

template <class Shape>
struct KeyGradientsStorage {
    TilePair<typename Shape::RowTile> rows;  // K and V, then dK and dV
    TilePair<typename Shape::ColumnTile> queries[backward_stages];
    HopperQueryRows<Shape::columns> values[backward_stages];  // of the queries
};

// A range of queries, or of tiles.
struct Range {
    int first, end;
};

// Which queries see some of a consumer's keys, and which see all of them.
struct SeeingQueries {
    Range some, all;
};

// Of both consumers, by eight warps: a search each, because a search is a chain of loads. To shared memory, for after the next barrier.
__device__ void find_queries(SeeingQueries (&found)[consumers], const int32_t* lo, const int32_t* hi, int Tq,
                             int first_key, int end_key) {
    const int search = int(threadIdx.x) / warp, c = search / 4;
    if (c >= consumers) return;
    const int first = first_key + c * warpgroup_queries, end = min(first + warpgroup_queries, end_key);
    const int t = search % 4 == 0   ? first_above(hi, Tq, first)
                  : search % 4 == 1 ? first_above(lo, Tq, end - 1)
                  : search % 4 == 2 ? first_above(hi, Tq, first + warpgroup_queries - 1)
                                    : first_above(lo, Tq, first);
    Range& of = search % 4 < 2 ? found[c].some : found[c].all;
    if (threadIdx.x % warp == 0) (search % 2 == 0 ? of.first : of.end) = t;
}

template <class Shape, class Score>
struct KeyGradients {
    static constexpr int width = Shape::width, queries = Shape::columns;
    KeyGradientsStorage<Shape>& shared;
    int row, first_key;  // row: of K's tile; first_key: of the consumer
    float scale;
    HeadScore<Score> score;  // of the query head of the tiles being visited
    float s[queries / 2], d_p[queries / 2], d_k[width / 2] = {}, d_v[width / 2] = {};
    unsigned p[queries / slice_depth][4], d_s[queries / slice_depth][4];

    __device__ auto& stage(int i) { return shared.queries[i % backward_stages]; }
    // uniform(row): computed in the loop, or the descriptors of K and V would all be in registers.
    __device__ void start_scores(int i) { multiply_scores(s, shared.rows.scores, uniform(row), stage(i).scores); }
    __device__ void start_gradients(int i) {
        multiply_scores(d_p, shared.rows.gradients, uniform(row), stage(i).gradients);
    }
    __device__ void start_values(int i) { multiply_values(d_v, p, stage(i).gradients); }
    __device__ void start_keys(int i) { multiply_values(d_k, d_s, stage(i).scores); }

    // Sᵀ of tile i, of the queries from t on, becomes Pᵀ; then dPᵀ becomes dSᵀ. Of every eight columns a thread has two, of two rows each.
    __device__ void probabilities(int i, int t) {
        if constexpr (is_shift<Score>) {
            const auto& of = shared.values[i % backward_stages];
            const int distance = first_key + query_of_thread(0) - (t + column_of_thread());
#pragma unroll
            for (int e = 0; e < queries / 2; ++e) {
                const int column = e / 4 * 8 + e % 2;
                s[e] = probability(s[e], of.lse[column_of_thread() + column], scale, score, distance,
                                   e / 2 % 2 * 8 - column);
            }
        }
    }
    __device__ void score_gradients(int i, bool masked) {
        const auto& of = shared.values[i % backward_stages];
        if (is_shift<Score> && masked) mask(i);
#pragma unroll
        for (int e = 0; e < queries / 2; ++e) {
            const int column = column_of_thread() + e / 4 * 8 + e % 2;
            score_gradient(s[e], d_p[e], of.lse[column], of.delta[column], scale, score);
        }
        if (!is_shift<Score> && masked) mask(i);
        left_operand(p, s);
        left_operand(d_s, d_p);
        wgmma_fence(d_p);  // all is read before the next products start
    }

private:
    // P and dS of the keys that a query does not see: 0. Or P and dP, from which dS follows.
    __device__ void mask(int i) {
        const auto& of = shared.values[i % backward_stages];
#pragma unroll
        for (int e = 0; e < queries / 2; ++e) {
            const int column = column_of_thread() + e / 4 * 8 + e % 2, key = first_key + query_of_thread(e / 2 % 2);
            if (key < of.lo[column] || key >= of.hi[column]) s[e] = d_p[e] = 0;
        }
    }
};

template <class Shape, class Score>
__global__ void __launch_bounds__(block_threads, 1)
    key_gradients_hopper_kernel(const __grid_constant__ BackwardMaps maps, QueryOperands in, HeadSizes of,
                                BlockOrder order, float scale, Score score) {
    constexpr int queries = Shape::columns;
    constexpr bool overlaps = Shape::width <= 64;  // registers for P and dS while S and dP of the next tile run
    DYNAMIC_SHARED(KeyGradientsStorage<Shape>, shared);
    SHARED(BackwardBarriers, barriers, );
    const auto place = order.place();
    if (place.head >= order.heads) return;
    const int b = place.head / int(of.G), g = place.head % int(of.G), group = int(of.H / of.G), Tq = int(of.Tq);
    const int first_key = place.tile * block_keys, end_key = min(first_key + block_keys, int(of.Tk));
    const int32_t *const lo = in.lo + int64_t(b) * Tq, *const hi = in.hi + int64_t(b) * Tq;
    SHARED(SeeingQueries, found, [consumers]);
    find_queries(found, lo, hi, Tq, first_key, end_key);
    barriers.init();
    const int last_consumer = first_key + warpgroup_queries < end_key ? 1 : 0;
    const Range seeing = {found[0].some.first, max(found[0].some.first, found[last_consumer].some.end)};
    const int tiles = (seeing.end - seeing.first + queries - 1) / queries;  // of each head

    if (threadIdx.x < warpgroup_threads) {
        registers_lower<producer_registers>();
        if (threadIdx.x >= warp) return;
        const auto place_of = [&](int i) {
            return TilePlace{g * group + i / tiles, seeing.first + i % tiles * queries, seeing.end};
        };
        produce_pairs(shared->rows, {maps.k, maps.v}, {g, first_key, 0}, shared->queries, {maps.q, maps.d_y}, Tq, b,
                      group * tiles, barriers, place_of, [&](int i) {
                          auto& values = shared->values[i % backward_stages];
                          const TilePlace at = place_of(i);
                          const int64_t row = (int64_t(b) * of.H + at.head) * Tq;
                          for (int n = int(threadIdx.x); n < queries; n += warp) {
                              const int t = at.first + n;
                              const bool there = t < at.end;
                              values.lse[n] = there ? in.lse[row + t] * log2_of_e : infinity;
                              values.delta[n] = there ? in.delta[row + t] : 0;
                              values.lo[n] = there ? lo[t] : 0;
                              values.hi[n] = there ? hi[t] : 0;
                          }
                      });
        return;
    }
    registers_raise<consumer_registers>();
    const int row = consumer_number() * warpgroup_queries, first = first_key + row;
    KeyGradients<Shape, Score> mine = {
        .shared = *shared, .row = row, .first_key = first, .scale = scale, .score = {score, g * group}};
    auto& ring = barriers.ring;

    // Of a head's tiles, those with queries that see some of the consumer's keys, the others are released unread; and those whose
    // queries see all of them.
    const auto tile_of = [&](int query) { return (max(query - seeing.first, 0) + queries - 1) / queries; };
    const Range some = first < end_key ? found[consumer_number()].some : Range{0, 0},
                all = found[consumer_number()].all;
    const int before = uniform((max(some.first - seeing.first, 0)) / queries),
              after = max(uniform(some.first < some.end ? tile_of(some.end) : 0), before),
              full = uniform(tile_of(all.first)),
              full_end = uniform(all.end >= seeing.end ? tiles : max(all.end - seeing.first, 0) / queries);
    const auto skip = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            ring.wait_full(i);
            ring.release(i);
        }
    };
    mbarrier_wait(&barriers.rows, 0);
    for (int h = 0; h < group; ++h) {
        const int of_head = h * tiles, begin = of_head + before, end = of_head + after;
        const auto masked = [&](int i) { return i - of_head < full || i - of_head >= full_end; };
        skip(of_head, min(begin, of_head + tiles));
        if (begin < end) {
            mine.score = {score, g * group + h};
            wgmma_fence(mine.d_k);
            wgmma_fence(mine.d_v);
            int t = seeing.first + before * queries;
            ring.wait_full(begin);
            mine.start_scores(begin);
            mine.start_gradients(begin);
            wgmma_wait<1>(mine.s);
            mine.probabilities(begin, t);
            wgmma_wait<0>(mine.d_p);
            for (int i = begin; i + 1 < end; ++i) {
                mine.score_gradients(i, masked(i));
                t += queries;
                ring.wait_full(i + 1);
                if constexpr (overlaps) mine.start_scores(i + 1);
                mine.start_values(i);
                mine.start_keys(i);
                if constexpr (!overlaps) {
                    wgmma_wait<0>(mine.d_k);
                    mine.start_scores(i + 1);
                }
                mine.start_gradients(i + 1);
                wgmma_wait<overlaps ? 3 : 1>(mine.s);
                mine.probabilities(i + 1, t);
                wgmma_wait<0>(mine.d_p);
                __syncwarp();  // all lanes have read the values of the queries
                ring.release(i);
            }
            mine.score_gradients(end - 1, masked(end - 1));
            mine.start_values(end - 1);
            mine.start_keys(end - 1);
            wgmma_wait<0>(mine.d_k);
            __syncwarp();
            ring.release(end - 1);
        }
        skip(max(end, begin), of_head + tiles);
    }
    wgmma_wait<0>(mine.d_v);
    store_rows(maps.d_k, shared->rows.scores, row, mine.d_k, {scale, scale}, consumer_number(), g, first, b);
    store_rows(maps.d_v, shared->rows.gradients, row, mine.d_v, {1, 1}, consumer_number(), g, first, b);
}

}  // namespace

void attention_key_gradients_hopper(const AttentionBackward& a, Stream s) {
    const BackwardMaps maps = backward_maps(a);
    const BlockOrder order =
        block_order(a.Tk, block_keys, int64_t(a.B) * a.G, int64_t(2) * a.Tq * a.D * int64_t(sizeof(bf16)) * a.H / a.G);
    by_backward_shape(a, [&](auto width, auto score) {
        using Shape = KeyGradientsShape<width>;
        launch(key_gradients_hopper_kernel<Shape, decltype(score)>, order.grid(), dim3(block_threads),
               sizeof(KeyGradientsStorage<Shape>), s, maps, query_operands(a), sizes_of(a), order, float(a.scale),
               score);
    });
}

}  // namespace gradus::DEVICE
