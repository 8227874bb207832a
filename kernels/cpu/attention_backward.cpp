// Attention backward: recomputes the probabilities of each tile from lse, and processes each tile once.
//
// The key tiles of a (sequence, kv head) pair are divided into splits. A split owns the gradients of its keys and values: one
// thread at a time adds to them, in the order of the heads and query tiles. The gradient of the queries has a partial sum
// per split, added in the order of the splits. The number of splits depends only on the shape, so the result is deterministic.
#include "kernels/attention.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/cpu.h"

namespace gradus::cpu {

namespace {

constexpr int64_t wave_floats = 12 << 20;  // of the pairs processed at the same time
constexpr int64_t wanted_items = 32;       // splits processed at the same time, for load balance
constexpr int64_t min_split_tiles = 3;     // key tiles per split

// Memory of one pair, shared by the threads. All f32.
struct Pair {
    float *keys, *values;      // panels
    float* key_rows;           // [key tiles][key_rows, wide]
    float *d_keys, *d_values;  // the same
    float* d_queries;          // [splits][query tiles][query_tile, wide], of one head
    float* d_bias;             // [splits][distances], of the same head

    static int64_t size(const HeadLayout& at, int64_t splits) {
        return 2 * at.key_panels() + 3 * at.key_matrix() +
               splits * (at.query_tiles() * at.query_matrix() + at.distances);
    }
    Pair(float* memory, const HeadLayout& at, int64_t splits)
        : keys(memory),
          values(keys + at.key_panels()),
          key_rows(values + at.key_panels()),
          d_keys(key_rows + at.key_matrix()),
          d_values(d_keys + at.key_matrix()),
          d_queries(d_values + at.key_matrix()),
          d_bias(d_queries + splits * at.query_tiles() * at.query_matrix()) {}
};

// Memory of one thread for a query tile.
struct Work {
    float *query_panels, *d_y_panels, *query_rows, *d_y_rows;
    float *p, *d_s;      // [query_tile, score_stride]
    float *lse, *delta;  // [query_tile]

    static constexpr int64_t column = round_up(query_tile, 16), matrix = query_tile * score_stride + score_stride;
    static int64_t size(const HeadLayout& at) {
        return 2 * at.query_panels() + 2 * at.query_matrix() + 2 * matrix + 2 * column;
    }
    Work(float* memory, const HeadLayout& at)
        : query_panels(memory),
          d_y_panels(query_panels + at.query_panels()),
          query_rows(d_y_panels + at.query_panels()),
          d_y_rows(query_rows + at.query_matrix()),
          p(d_y_rows + at.query_matrix()),
          d_s(p + matrix),
          lse(d_s + matrix),
          delta(lse + column) {}
};

template <class Scalar>
void load_queries(const AttentionBackward& a, const HeadLayout& at, const Work& w, int64_t b, int64_t h, int64_t t0,
                  int64_t count) {
    const int64_t y_row = at.H * at.D, first = (b * at.Tq + t0) * y_row + h * at.D;
    const auto queries = heads_of<const Scalar>(a.q, at.Tq, at.D);
    const Scalar *q = queries.at(b, t0, h), *y = a.y.as<Scalar>() + first, *d_y = a.d_y.as<Scalar>() + first;
    pack_queries(w.query_panels, q, queries.stride, count, at);
    pack_queries(w.d_y_panels, d_y, y_row, count, at);
    widen_rows(w.query_rows, q, queries.stride, count, at.D, at.wide);
    widen_rows(w.d_y_rows, d_y, y_row, count, at.D, at.wide);
    for (int64_t r = 0; r < count; ++r) {
        w.lse[r] = a.lse.as<float>()[(b * at.H + h) * at.Tq + t0 + r];
        w.delta[r] = total(at.D, [&](int64_t d, auto lanes) {
            return load(d_y + r * y_row + d, lanes) * load(y + r * y_row + d, lanes);
        });
    }
}

// The partial sum of the gradient of a head's bias.
struct BiasGradient {
    float* nearest;  // of distance 0; null if it is not wanted
    int32_t reach;
};

// p and d_s of row r, of query t, from its dot products q·k and d_y·v with the keys [base + first, base + last), zeros elsewhere
// in the row.
template <class Score>
void probabilities(const Work& w, int64_t r, int64_t t, int64_t base, int64_t first, int64_t last, int64_t lo,
                   int64_t hi, float scale, const QueryScore<Score>& score, const BiasGradient& d_bias) {
    float *p = w.p + r * score_stride, *d_s = w.d_s + r * score_stride;
    std::fill(p, p + first, 0.f);
    std::fill(d_s, d_s + first, 0.f);
    const float lse = w.lse[r], delta = w.delta[r];
    const bool unmasked = lo <= first && last <= hi;
    for (int64_t i = first; i < last; i += width) {
        const Floats s = load(p + i) * scale;
        Floats probability = exponential(score(s, base + i) - lse), gradient = probability * (load(d_s + i) - delta);
        if (!unmasked) {
            const Ints mask = inside(i, lo, hi);
            probability = choose(mask, probability, Floats{});
            gradient = choose(mask, gradient, Floats{});
        }
        if (d_bias.nearest) add_at(d_bias.nearest, d_bias.reach, int32_t(base + i - t), gradient);
        store(p + i, probability);
        store(d_s + i, score.backward(gradient, s, base + i) * scale);
    }
    std::fill(p + last, p + score_stride, 0.f);
    std::fill(d_s + last, d_s + score_stride, 0.f);
}

// The gradients from a tile of queries, of head h of sequence b, and a tile of keys.
template <class Score>
void backward_tile(const HeadLayout& at, const Pair& pair, const Work& w, const Intervals& of, float* d_query_rows,
                   int64_t b, int64_t h, int64_t t0, int64_t count, int64_t base, float scale, const Score& score,
                   const BiasGradient& d_bias) {
    const int64_t wide = at.wide, panel = base / tile_columns * at.key_panel(), row = base / key_tile * key_rows * wide;
    for (int64_t r = 0; r < count; r += tile_rows) {
        const int64_t r_end = std::min<int64_t>(r + tile_rows, count), group = r / tile_rows * at.query_panel();
        Span span = span_of(of, t0 + r, t0 + r_end, base);
        if (span.empty()) span = {0, 0};
        group_scores(w.p + r * score_stride, w.query_panels + group, pair.keys + panel, span, at);
        group_scores(w.d_s + r * score_stride, w.d_y_panels + group, pair.values + panel, span, at);
        for (int64_t q = r; q < r_end; ++q)
            probabilities(w, q, t0 + q, base, span.first_panel() * tile_columns, span.last_panel() * tile_columns,
                          of.lo[t0 + q] - base, of.hi[t0 + q] - base, scale, QueryScore<Score>{score, b, h, t0 + q},
                          d_bias);
        add_matmul<score_stride, 1>(d_query_rows + r * wide, w.d_s + r * score_stride + span.first,
                                    pair.key_rows + row + span.first * wide, span.last - span.first, wide);
    }
    for (int64_t k = 0; k < std::min(key_tile, at.Tk - base); k += tile_rows) {
        int64_t first = 0, last = count;  // the queries that may attend to one of these keys
        while (first < last && of.hi[t0 + first] <= base + k) ++first;
        while (first < last && of.lo[t0 + last - 1] >= base + k + tile_rows) --last;
        if (first == last) continue;
        add_matmul<1, score_stride>(pair.d_values + row + k * wide, w.p + first * score_stride + k,
                                    w.d_y_rows + first * wide, last - first, wide);
        add_matmul<1, score_stride>(pair.d_keys + row + k * wide, w.d_s + first * score_stride + k,
                                    w.query_rows + first * wide, last - first, wide);
    }
}

// The gradients from all queries of one head and the key tiles [first, last) of a split. d_queries and d_bias are its partial
// sums.
template <class Scalar, class Score>
void backward_split(const AttentionBackward& a, const Score& score, const HeadLayout& at, const Pair& pair,
                    const Work& w, float* d_queries, float* d_bias, int64_t b, int64_t h, int64_t first, int64_t last) {
    const auto reach = int32_t(at.distances / 2);
    const BiasGradient of_bias = {at.distances ? d_bias + reach : nullptr, reach};
    std::fill(d_bias, d_bias + at.distances, 0.f);
    const Intervals of = {a.lo.as<int32_t>() + b * at.Tq, a.hi.as<int32_t>() + b * at.Tq};
    for (int64_t t0 = 0; t0 < at.Tq; t0 += query_tile, d_queries += at.query_matrix()) {
        const int64_t count = std::min(query_tile, at.Tq - t0);
        std::fill(d_queries, d_queries + at.query_matrix(), 0.f);
        const int64_t from = std::max<int64_t>(first, of.lo[t0] / key_tile);
        const int64_t to = std::min(last, tiles_of(std::max(0, of.hi[t0 + count - 1]), key_tile));
        if (from >= to) continue;
        load_queries<Scalar>(a, at, w, b, h, t0, count);
        for (int64_t tile = from; tile < to; ++tile)
            backward_tile(at, pair, w, of, d_queries, b, h, t0, count, tile * key_tile, float(a.scale), score, of_bias);
    }
}

// A wave is a number of (sequence, kv head) pairs that are processed together. Sizes in floats.
struct Scratch {
    int64_t splits, pair, wave, work;  // splits and floats per pair, pairs per wave, floats per thread

    Scratch(const HeadLayout& at, int64_t pairs)
        : splits(std::clamp<int64_t>(wanted_items / pairs, 1, std::max<int64_t>(1, at.key_tiles() / min_split_tiles))),
          pair(round_up(Pair::size(at, splits), 16)),
          wave(std::clamp<int64_t>(wave_floats / pair, 1, pairs)),
          work(round_up(Work::size(at), 16)) {}
    int64_t size(int team) const { return wave * pair + team * work; }
};

// Stores `count` rows of `wide` floats as rows of D channels, `stride` apart.
template <class Scalar>
void narrow_rows(Scalar* to, int64_t stride, const float* from, int64_t count, const HeadLayout& at) {
    for (int64_t r = 0; r < count; ++r, to += stride, from += at.wide)
        sweep(at.D, [&](int64_t d, auto lanes) { store(to + d, load(from + d), lanes); });
}

// to += each of `count` rows of n floats, in order.
void add_rows(float* to, const float* rows, int64_t count, int64_t n) {
    for (int64_t r = 0; r < count; ++r, rows += n)
        sweep(n, [&](int64_t i, auto lanes) { store(to + i, load(to + i, lanes) + load(rows + i, lanes), lanes); });
}

template <class Scalar, class Score>
void run(const AttentionBackward& a, const Score& score) {
    static thread_local Buffer buffer;
    HeadLayout at = {a.Tq, a.Tk, a.H, a.G, a.D};
    if (a.d_bias) at.distances = a.d_bias.last();
    const auto k = heads_of<const Scalar>(a.k, a.Tk, a.D), v = heads_of<const Scalar>(a.v, a.Tk, a.D);
    const auto d_q = heads_of<Scalar>(a.d_q, a.Tq, a.D), d_k = heads_of<Scalar>(a.d_k, a.Tk, a.D),
               d_v = heads_of<Scalar>(a.d_v, a.Tk, a.D);
    const int64_t pairs = int64_t(a.B) * a.G, tiles = at.key_tiles(), q_tiles = at.query_tiles(), wide = at.wide;
    const Scratch scratch(at, pairs);
    const int64_t splits = scratch.splits, pair_size = scratch.pair, wave = scratch.wave, work_size = scratch.work;
    float* const memory = buffer.floats(size_t(scratch.size(threads())));
    float* const work = memory + wave * pair_size;
    const int64_t copy_grain = grain_of(4 * double(key_tile * at.D)),
                  split_grain = grain_of(2.5 * double(at.Tq) * double(at.Tk * at.D) / double(splits));

    for (int64_t first = 0; first < pairs; first += wave) {
        const int64_t here = std::min(wave, pairs - first);
        const auto pair_of = [&](int64_t i) { return Pair(memory + i * pair_size, at, splits); };

        parallel_items(here * tiles, copy_grain, [&](int64_t i, int) {
            const int64_t b = (first + i / tiles) / a.G, g = (first + i / tiles) % a.G, tile = i % tiles,
                          base = tile * key_tile;
            const int64_t count = std::min(key_tile, at.Tk - base), panel = base / tile_columns * at.key_panel();
            const Pair pair = pair_of(i / tiles);
            pack_keys(pair.keys + panel, k.at(b, base, g), k.stride, count, at);
            pack_keys(pair.values + panel, v.at(b, base, g), v.stride, count, at);
            widen_rows(pair.key_rows + tile * key_rows * wide, k.at(b, base, g), k.stride, count, at.D, wide);
            std::fill_n(pair.d_keys + tile * key_rows * wide, key_rows * wide, 0.f);
            std::fill_n(pair.d_values + tile * key_rows * wide, key_rows * wide, 0.f);
        });

        for (int64_t member = 0; member < at.group_size(); ++member) {
            parallel_items(here * splits, split_grain, [&](int64_t i, int thread) {
                const int64_t b = (first + i % here) / a.G, g = (first + i % here) % a.G, split = i / here;
                const Pair pair = pair_of(i % here);
                backward_split<Scalar>(a, score, at, pair, Work(work + thread * work_size, at),
                                       pair.d_queries + split * q_tiles * at.query_matrix(),
                                       pair.d_bias + split * at.distances, b, g * at.group_size() + member,
                                       tiles * split / splits, tiles * (split + 1) / splits);
            });
            if (a.d_bias)
                for (int64_t i = 0; i < here; ++i) {
                    const int64_t h = (first + i) % a.G * at.group_size() + member;
                    add_rows(a.d_bias.as<float>() + h * at.distances, pair_of(i).d_bias, splits, at.distances);
                }
            parallel_items(here * q_tiles, copy_grain, [&](int64_t i, int) {
                const int64_t b = (first + i / q_tiles) / a.G, g = (first + i / q_tiles) % a.G,
                              t0 = i % q_tiles * query_tile;
                float* rows = pair_of(i / q_tiles).d_queries + i % q_tiles * at.query_matrix();
                for (int64_t s = 1; s < splits; ++s) {
                    const float* more = rows + s * q_tiles * at.query_matrix();
                    for (int64_t j = 0; j < at.query_matrix(); j += width)
                        store(rows + j, load(rows + j) + load(more + j));
                }
                narrow_rows(d_q.at(b, t0, g * at.group_size() + member), d_q.stride, rows,
                            std::min(query_tile, at.Tq - t0), at);
            });
        }

        parallel_items(here * tiles, copy_grain, [&](int64_t i, int) {
            const int64_t b = (first + i / tiles) / a.G, g = (first + i / tiles) % a.G, tile = i % tiles,
                          base = tile * key_tile;
            const int64_t count = std::min(key_tile, at.Tk - base);
            const Pair pair = pair_of(i / tiles);
            narrow_rows(d_k.at(b, base, g), d_k.stride, pair.d_keys + tile * key_rows * wide, count, at);
            narrow_rows(d_v.at(b, base, g), d_v.stride, pair.d_values + tile * key_rows * wide, count, at);
        });
    }
}

}  // namespace

void attention_backward(const AttentionBackward& a, Stream) {
    check_intervals(a.lo, a.hi, a.B, a.Tq, a.Tk);
    by_dtype(a.q.dtype,
             [&](auto kind) { by_score(a.score, [&](const auto& score) { run<decltype(kind)>(a, score); }); });
}

int64_t attention_backward_scratch(const HeadLayout& at, int64_t pairs, int team) {
    return Scratch(at, pairs).size(team);
}

}  // namespace gradus::cpu
