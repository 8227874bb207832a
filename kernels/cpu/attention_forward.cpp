// Attention forward: softmax online over the key tiles (Milakov, Gimelshein 2018; Dao et al. 2022), so that neither the
// scores of a row nor their maximum are ever held as a whole.
#include <cmath>
#include <limits>
#include <string>

#include "kernels/attention.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/cpu.h"

namespace gradus::cpu {

void check_intervals(const Tensor& lo, const Tensor& hi, int64_t B, int64_t T) {
    const int32_t *first = lo.as<int32_t>(), *end = hi.as<int32_t>();
    for (int64_t b = 0; b < B; ++b, first += T, end += T)
        for (int64_t t = 0; t < T; ++t) {
            CHECK(first[t] >= 0 && end[t] <= T, "a key interval leaves its sequence at query " + std::to_string(t));
            CHECK(t == 0 || (first[t - 1] <= first[t] && end[t - 1] <= end[t]),
                  "the key intervals decrease at query " + std::to_string(t));
        }
}

namespace {

constexpr float none = -std::numeric_limits<float>::infinity();
constexpr int64_t wave_floats = 4 << 20;  // packed keys and values that are held at once: they stay in the last cache

// One thread's memory for a query tile.
struct Work {
    float *queries, *scores, *out, *top, *total;  // panels, [query_tile, score_stride], [query_tile, wide], a row each

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

// Products of row r in [first, last) become exp(scale·s − top); what came before is brought to the new top. They are scaled
// here and not with the queries: products of bf16 are exact in f32, and so are most of their sums.
void softmax_row(const Work& w, int64_t r, int64_t first, int64_t last, int64_t lo, int64_t hi, int64_t wide,
                 float scale) {
    float* s = w.scores + r * score_stride;
    Floats highest = splat(w.top[r]);
    if (lo <= first && last <= hi) {
        for (int64_t i = first; i < last; i += width) {
            const Floats score = load(s + i) * scale;
            store(s + i, score);
            highest = larger(highest, score);
        }
    } else {
        for (int64_t i = first; i < last; i += width) {
            const Floats seen = choose(inside(i, lo, hi), load(s + i) * scale, splat(none));
            store(s + i, seen);
            highest = larger(highest, seen);
        }
    }
    const float top = largest(highest), reference = top == none ? 0 : top;  // a row that has seen no key yet
    Floats total = load(w.total + r * width);
    if (top != w.top[r]) {
        const Floats shrink = exponential(splat(w.top[r] - reference));
        total *= shrink;
        float* out = w.out + r * wide;
        for (int64_t d = 0; d < wide; d += width) store(out + d, load(out + d) * shrink);
        w.top[r] = top;
    }
    for (int64_t i = first; i < last; i += width) {
        const Floats p = exponential(load(s + i) - reference);
        store(s + i, p);
        total += p;
    }
    store(w.total + r * width, total);
}

template <class Scalar>
void attend(const AttentionForward& a, const HeadLayout& at, const Work& w, const float* keys, const float* values,
            int64_t b, int64_t h, int64_t t0) {
    const int64_t count = std::min(query_tile, at.T - t0), wide = at.wide;
    const Intervals of = {a.lo.as<int32_t>() + b * at.T, a.hi.as<int32_t>() + b * at.T};
    pack_queries(w.queries, a.qkv.as<Scalar>() + at.query(b, t0, h), at.row, count, at);
    std::fill(w.out, w.out + query_tile * wide, 0.f);
    std::fill(w.total, w.total + query_tile * width, 0.f);
    std::fill(w.top, w.top + query_tile, none);

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
                softmax_row(w, q, span.first_panel() * tile_columns, span.last_panel() * tile_columns,
                            of.lo[t0 + q] - base, of.hi[t0 + q] - base, wide, float(a.scale));
            add_matmul<score_stride, 1>(w.out + r * wide, scores + span.first, values + (base + span.first) * wide,
                                        span.last - span.first, wide);
        }
    }
    for (int64_t r = 0; r < count; ++r) {
        const float total = sum(load(w.total + r * width)), share = total > 0 ? 1 / total : total == 0 ? 0 : total;
        Scalar* y = a.y.as<Scalar>() + ((b * at.T + t0 + r) * at.H + h) * at.D;
        sweep(at.D, [&](int64_t d, auto lanes) { store(y + d, load(w.out + r * wide + d) * share, lanes); });
        a.lse.as<float>()[(b * at.H + h) * at.T + t0 + r] = total == 0 ? none : w.top[r] + std::log(total);
    }
}

template <class Scalar>
void run(const AttentionForward& a) {
    static thread_local Buffer buffer;
    const HeadLayout at = {a.T, a.H, a.G, a.D};
    const int64_t pairs = int64_t(a.B) * a.G, keys_size = at.key_panels(),
                  pair_size = keys_size + at.key_tiles() * key_tile * at.wide;
    const int64_t wave = std::clamp<int64_t>(wave_floats / pair_size, 1, pairs),
                  work_size = round_up(Work::size(at), 16);
    float* const packed = buffer.floats(size_t(wave * pair_size + threads() * work_size));
    float* const work = packed + wave * pair_size;

    for (int64_t first = 0; first < pairs; first += wave) {
        const int64_t here = std::min(wave, pairs - first);
        parallel_items(here * at.key_tiles(), items_of(4 * double(key_tile * at.D)), [&](int64_t i, int) {
            const int64_t pair = first + i / at.key_tiles(), b = pair / a.G, g = pair % a.G,
                          base = i % at.key_tiles() * key_tile;
            const int64_t count = std::min(key_tile, at.T - base);
            float* keys = packed + (pair - first) * pair_size;
            pack_keys(keys + base / tile_columns * at.key_panel(), a.qkv.as<Scalar>() + at.key(b, base, g), at.row,
                      count, at);
            widen_rows(keys + keys_size + base * at.wide, a.qkv.as<Scalar>() + at.value(b, base, g), at.row, count,
                       at.D, at.wide);
        });
        // The last queries see the most keys under a causal mask: they go first, so that no thread is left with one.
        const int64_t tiles = at.query_tiles(), items = here * at.group_size();
        parallel_items(
            items * tiles, items_of(double(std::min(query_tile, at.T) * at.T * at.D)), [&](int64_t i, int thread) {
                const int64_t pair = first + i % items / at.group_size(), tile = tiles - 1 - i / items;
                const float* keys = packed + (pair - first) * pair_size;
                attend<Scalar>(a, at, Work(work + thread * work_size, at), keys, keys + keys_size, pair / a.G,
                               pair % a.G * at.group_size() + i % at.group_size(), tile * query_tile);
            });
    }
}

}  // namespace

void attention_forward(const AttentionForward& a, Stream) {
    check_intervals(a.lo, a.hi, a.B, a.T);
    by_dtype(a.qkv.dtype, [&](auto kind) { run<decltype(kind)>(a); });
}

}  // namespace gradus::cpu
