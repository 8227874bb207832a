#pragma once
// Tiled attention: the parts shared by forward and backward.
//
// A tile is query_tile queries by key_tile keys. Its scores are a matrix of score_stride columns that fits in the L2 cache.
// Queries are processed in groups of tile_rows, so that all matmuls use register tiles (matmul_tile.h). Keys that no query of
// a group attends to are skipped, except for the rounding to panels of keys, where p is set to 0.
//
// Heads are converted to f32 and packed once per (sequence, kv head), for all query tiles and query heads. D is padded to
// `wide` columns with zeros, so that any head width works.
#include "kernels/attention.h"
#include "kernels/cpu/attention_score.h"
#include "kernels/cpu/buffer.h"
#include "kernels/cpu/matmul_pack.h"
#include "kernels/cpu/matmul_tile.h"
#include "kernels/cpu/vector_math.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

constexpr int64_t query_groups = 60 / tile_rows, query_tile = query_groups * tile_rows;
constexpr int64_t key_tile = 96, key_rows = round_up(key_tile, tile_rows);
constexpr int score_stride = int(round_up(key_rows, 16));
static_assert(key_tile % tile_columns == 0, "a key tile consists of whole panels");

inline int64_t tiles_of(int64_t n, int64_t tile) { return (n + tile - 1) / tile; }

struct HeadLayout {
    int64_t Tq, Tk, H, G, D;
    int64_t wide = round_up(D, tile_columns);
    int64_t distances = 0;  // columns of d_bias, if it is wanted

    int64_t group_size() const { return H / G; }
    int64_t query_tiles() const { return tiles_of(Tq, query_tile); }
    int64_t key_tiles() const { return tiles_of(Tk, key_tile); }

    // Sizes in floats, packed as panels (_panel, _panels) or as rows (_matrix).
    int64_t key_panel() const { return D * tile_columns; }
    int64_t key_panels() const { return key_tiles() * (key_tile / tile_columns) * key_panel(); }
    int64_t key_matrix() const { return key_tiles() * key_rows * wide; }
    int64_t query_panel() const { return round_up(D * tile_rows + panel_slack, 16); }
    int64_t query_panels() const { return query_groups * query_panel(); }
    int64_t query_matrix() const { return query_tile * wide; }
};

// Floats of scratch memory of a call with this many (sequence, kv head) pairs on `team` threads.
int64_t attention_forward_scratch(const HeadLayout&, int64_t pairs, int team);
int64_t attention_backward_scratch(const HeadLayout&, int64_t pairs, int team);

// The intervals of one sequence's queries.
struct Intervals {
    const int32_t *lo, *hi;
};

// Keys [first, last) of the key tile that starts at `base`: those that some query of [t, t_end) attends to.
struct Span {
    int64_t first, last;
    bool empty() const { return first >= last; }
    int64_t first_panel() const { return first / tile_columns; }
    int64_t last_panel() const { return tiles_of(last, tile_columns); }
};
inline Span span_of(const Intervals& of, int64_t t, int64_t t_end, int64_t base) {
    return {std::max<int64_t>(of.lo[t] - base, 0), std::min<int64_t>(of.hi[t_end - 1] - base, key_tile)};
}

// CHECKs the values of lo and hi, which are in memory of the CPU here.
void check_intervals(const Tensor& lo, const Tensor& hi, int64_t B, int64_t Tq, int64_t Tk);

// Converts `count` rows of D channels, `stride` apart, to f32 rows of `wide` channels, padded with zeros.
template <class Scalar>
void widen_rows(float* to, const Scalar* from, int64_t stride, int64_t count, int64_t D, int64_t wide) {
    for (int64_t r = 0; r < count; ++r, to += wide, from += stride) {
        sweep(D, [&](int64_t d, auto lanes) { store(to + d, load(from + d, lanes), lanes); });
        std::fill(to + D, to + wide, 0.f);
    }
}

// Packs the rows of a query tile into a panel per group; rows past the end of the sequence are zeros.
template <class Scalar>
void pack_queries(float* panels, const Scalar* from, int64_t stride, int64_t count, const HeadLayout& at) {
    for (int64_t i = 0; i < query_groups && i * tile_rows < count; ++i)
        pack_across<tile_rows>(panels + i * at.query_panel(), from + i * tile_rows * stride, stride,
                               std::min<int64_t>(tile_rows, count - i * tile_rows), at.D);
}

// Packs the rows of a key tile, keys or values, into panels.
template <class Scalar>
void pack_keys(float* panels, const Scalar* from, int64_t stride, int64_t count, const HeadLayout& at) {
    for (int64_t p = 0; p * tile_columns < count; ++p)
        pack_across<tile_columns>(panels + p * at.key_panel(), from + p * tile_columns * stride, stride,
                                  std::min<int64_t>(tile_columns, count - p * tile_columns), at.D);
}

inline __attribute__((always_inline)) void store_tile(float* to, int64_t stride, const Tile& tile) {
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r) {
        store(to + r * stride, tile.left[r]);
        store(to + r * stride + width, tile.right[r]);
    }
}

// scores[r, key] of one group for the panels of its span.
inline void group_scores(float* scores, const float* group, const float* panels, const Span& span,
                         const HeadLayout& at) {
    for (int64_t p = span.first_panel(); p < span.last_panel(); ++p)
        store_tile(scores + p * tile_columns, score_stride, multiply_panels(group, panels + p * at.key_panel(), at.D));
}

// to[r, c] += Σ_k a[r,k] · b[k,c] for tile_rows rows of `wide` columns. row, step: strides of a, as in multiply().
template <int row, int step>
void add_matmul(float* to, const float* a, const float* b, int64_t depth, int64_t wide) {
    for (int64_t c = 0; c < wide; c += tile_columns) {
        Tile tile;
#pragma GCC unroll 16
        for (int r = 0; r < tile_rows; ++r) {
            tile.left[r] = load(to + r * wide + c);
            tile.right[r] = load(to + r * wide + c + width);
        }
        multiply<row, step>(tile, a, b + c, wide, depth);
        store_tile(to + c, wide, tile);
    }
}

// inside(): the mask of the lanes' key indices first, first + 1, … that are in [lo, hi).
inline Ints inside(int64_t first, int64_t lo, int64_t hi) {
    const Ints key = numbers_from(int32_t(first));
    return (key >= int32_t(lo)) & (key < int32_t(hi));
}

}  // namespace gradus::cpu
