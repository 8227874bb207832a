// Attention forward: online softmax over the key tiles (Milakov, Gimelshein 2018; Dao et al. 2022), so that the scores of a
// whole row are never stored.
#include <cmath>
#include <limits>
#include <string>

#include "kernels/attention.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/cpu.h"

namespace gradus::cpu {

void check_intervals(const Tensor& lo, const Tensor& hi, int64_t B, int64_t Tq, int64_t Tk) {
    const int32_t *first = lo.as<int32_t>(), *end = hi.as<int32_t>();
    for (int64_t b = 0; b < B; ++b, first += Tq, end += Tq)
        for (int64_t t = 0; t < Tq; ++t) {
            CHECK(first[t] >= 0 && end[t] <= Tk, "a key interval leaves its sequence at query " + std::to_string(t));
            CHECK(t == 0 || (first[t - 1] <= first[t] && end[t - 1] <= end[t]),
                  "the key intervals decrease at query " + std::to_string(t));
        }
}

namespace {

constexpr float minus_infinity = -std::numeric_limits<float>::infinity();
constexpr int64_t wave_floats = 4 << 20;  // packed keys and values at a time: they fit in the last-level cache

// Memory of one thread for a query tile.
struct Work {
    float *queries, *scores, *out;  // panels, [query_tile, score_stride], [query_tile, wide]
    float *top, *total;             // [query_tile] maximum score, [query_tile, width] partial sums of exp

    static int64_t size(const HeadLayout& at) {
        return at.query_panels() + query_tile * score_stride + at.query_matrix() + round_up(query_tile, 16) +
               query_tile * width;
    }
    Work(float* memory, const HeadLayout& at)
        : queries(memory),
          scores(queries + at.query_panels()),
          out(scores + query_tile * score_stride),
          top(out + at.query_matrix()),
          total(top + round_up(query_tile, 16)) {}
};

// Replaces the dot products s of row r with the keys [base + first, base + last) by exp(score(scale·s) − top), and rescales the
// row's earlier sums to the new maximum. `scale` is applied here and not to the queries, because products of bf16 values are
// exact in f32, and so are most of their sums.
template <class Score>
void softmax_row(const Work& w, int64_t r, int64_t base, int64_t first, int64_t last, int64_t lo, int64_t hi,
                 int64_t wide, float scale, const QueryScore<Score>& score) {
    float* s = w.scores + r * score_stride;
    Floats highest = splat(w.top[r]);
    if (lo <= first && last <= hi) {
        for (int64_t i = first; i < last; i += width) {
            const Floats x = score(load(s + i) * scale, base + i);
            store(s + i, x);
            highest = larger(highest, x);
        }
    } else {
        for (int64_t i = first; i < last; i += width) {
            const Floats x = choose(inside(i, lo, hi), score(load(s + i) * scale, base + i), splat(minus_infinity));
            store(s + i, x);
            highest = larger(highest, x);
        }
    }
    const float top = largest(highest), reference = top == minus_infinity ? 0 : top;  // −∞: no key so far
    Floats total = load(w.total + r * width);
    if (top != w.top[r]) {
        const Floats rescale = exponential(splat(w.top[r] - reference));
        total *= rescale;
        float* out = w.out + r * wide;
        for (int64_t d = 0; d < wide; d += width) store(out + d, load(out + d) * rescale);
        w.top[r] = top;
    }
    for (int64_t i = first; i < last; i += width) {
        const Floats p = exponential(load(s + i) - reference);
        store(s + i, p);
        total += p;
    }
    store(w.total + r * width, total);
}

template <class Scalar, class Score>
void attend(const AttentionForward& a, const Score& score, const HeadLayout& at, const Work& w, const float* keys,
            const float* values, int64_t b, int64_t h, int64_t t0) {
    const int64_t count = std::min(query_tile, at.Tq - t0), wide = at.wide;
    const Intervals of = {a.lo.as<int32_t>() + b * at.Tq, a.hi.as<int32_t>() + b * at.Tq};
    const auto queries = heads_of<const Scalar>(a.q, at.Tq, at.D);
    pack_queries(w.queries, queries.at(b, t0, h), queries.stride, count, at);
    std::fill(w.out, w.out + query_tile * wide, 0.f);
    std::fill(w.total, w.total + query_tile * width, 0.f);
    std::fill(w.top, w.top + query_tile, minus_infinity);

    const int64_t end = of.hi[t0 + count - 1];
    for (int64_t base = of.lo[t0] / key_tile * key_tile; base < end; base += key_tile) {
        const float* panels = keys + base / tile_columns * at.key_panel();
        for (int64_t r = 0; r < count; r += tile_rows) {
            const int64_t r_end = std::min<int64_t>(r + tile_rows, count);
            const Span span = span_of(of, t0 + r, t0 + r_end, base);
            if (span.empty()) continue;
            float* scores = w.scores + r * score_stride;
            group_scores(scores, w.queries + r / tile_rows * at.query_panel(), panels, span, at);
            for (int64_t q = r; q < r_end; ++q)
                softmax_row(w, q, base, span.first_panel() * tile_columns, span.last_panel() * tile_columns,
                            of.lo[t0 + q] - base, of.hi[t0 + q] - base, wide, float(a.scale),
                            QueryScore<Score>{score, b, h, t0 + q});
            add_matmul<score_stride, 1>(w.out + r * wide, scores + span.first, values + (base + span.first) * wide,
                                        span.last - span.first, wide);
        }
    }
    for (int64_t r = 0; r < count; ++r) {
        const float total = sum(load(w.total + r * width)), inverse = total > 0 ? 1 / total : total == 0 ? 0 : total;
        Scalar* y = a.y.as<Scalar>() + ((b * at.Tq + t0 + r) * at.H + h) * at.D;
        sweep(at.D, [&](int64_t d, auto lanes) { store(y + d, load(w.out + r * wide + d) * inverse, lanes); });
        a.lse.as<float>()[(b * at.H + h) * at.Tq + t0 + r] = total == 0 ? minus_infinity : w.top[r] + std::log(total);
    }
}

// A wave is a number of (sequence, kv head) pairs that are processed together. Sizes in floats.
struct Scratch {
    int64_t pair, wave, work;  // floats per pair, pairs per wave, floats per thread

    Scratch(const HeadLayout& at, int64_t pairs)
        : pair(at.key_panels() + at.key_tiles() * key_tile * at.wide),
          wave(std::clamp<int64_t>(wave_floats / pair, 1, pairs)),
          work(round_up(Work::size(at), 16)) {}
    int64_t size(int team) const { return wave * pair + team * work; }
};

template <class Scalar, class Score>
void run(const AttentionForward& a, const Score& score) {
    static thread_local Buffer buffer;
    const HeadLayout at = {a.Tq, a.Tk, a.H, a.G, a.D};
    const auto k = heads_of<const Scalar>(a.k, a.Tk, a.D), v = heads_of<const Scalar>(a.v, a.Tk, a.D);
    const int64_t pairs = int64_t(a.B) * a.G, keys_size = at.key_panels();
    const Scratch scratch(at, pairs);
    const int64_t pair_size = scratch.pair, wave = scratch.wave, work_size = scratch.work;
    float* const packed = buffer.floats(size_t(scratch.size(threads())));
    float* const work = packed + wave * pair_size;

    for (int64_t first = 0; first < pairs; first += wave) {
        const int64_t here = std::min(wave, pairs - first);
        parallel_items(here * at.key_tiles(), grain_of(4 * double(key_tile * at.D)), [&](int64_t i, int) {
            const int64_t pair = first + i / at.key_tiles(), b = pair / a.G, g = pair % a.G,
                          base = i % at.key_tiles() * key_tile;
            const int64_t count = std::min(key_tile, at.Tk - base);
            float* keys = packed + (pair - first) * pair_size;
            pack_keys(keys + base / tile_columns * at.key_panel(), k.at(b, base, g), k.stride, count, at);
            widen_rows(keys + keys_size + base * at.wide, v.at(b, base, g), v.stride, count, at.D, at.wide);
        });
        // With a causal mask the last queries have the most keys. They go first, for load balance.
        const int64_t tiles = at.query_tiles(), items = here * at.group_size();
        parallel_items(
            items * tiles, grain_of(double(std::min(query_tile, at.Tq) * at.Tk * at.D)), [&](int64_t i, int thread) {
                const int64_t pair = first + i % items / at.group_size(), tile = tiles - 1 - i / items;
                const float* keys = packed + (pair - first) * pair_size;
                attend<Scalar>(a, score, at, Work(work + thread * work_size, at), keys, keys + keys_size, pair / a.G,
                               pair % a.G * at.group_size() + i % at.group_size(), tile * query_tile);
            });
    }
}

}  // namespace

void attention_forward(const AttentionForward& a, Stream) {
    check_intervals(a.lo, a.hi, a.B, a.Tq, a.Tk);
    by_dtype(a.q.dtype,
             [&](auto kind) { by_score(a.score, [&](const auto& score) { run<decltype(kind)>(a, score); }); });
}

int64_t attention_forward_scratch(const HeadLayout& at, int64_t pairs, int team) {
    return Scratch(at, pairs).size(team);
}

}  // namespace gradus::cpu
