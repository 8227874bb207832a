// Attention for generation: few query rows and long caches, so reading keys and values limits the speed.
//
// A row's context is split into parts of a fixed length, the items of a parallel loop. Each part has its own maximum, sum and
// output for every query head of the kv head, and the parts are combined in order.
#include <cmath>
#include <limits>
#include <string>

#include "kernels/attention.h"
#include "kernels/cpu/attention_score.h"
#include "kernels/cpu/buffer.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vector_math.h"
#include "kernels/parallel.h"

namespace gradus::cpu {

namespace {

constexpr int64_t part_keys = 256;
constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

struct Shapes {
    int64_t N, H, G, D, S, P;
    int64_t group_size = H / G, parts = (P + part_keys - 1) / part_keys;
    int64_t wide = (D + width - 1) / width * width;
    int64_t result = wide + 16;  // floats of one head's part: output, then maximum and sum of the exponentials
};

// count = 4: four keys share the loads of the query. count = 1: the rest.
template <int count, class Scalar>
inline __attribute__((always_inline)) void products_of(float* s, const float* q, const Scalar* keys, int64_t D,
                                                       float scale) {
    Floats dots[count] = {};
    sweep(D, [&](int64_t d, auto lanes) {
        const Floats x = load(q + d);
#pragma GCC unroll 4
        for (int k = 0; k < count; ++k) dots[k] += x * load(keys + k * D + d, lanes);
    });
    for (int k = 0; k < count; ++k) s[k] = sum(dots[k]) * scale;
}

template <int count, class Scalar>
inline __attribute__((always_inline)) void add_values(float* y, const float* p, const Scalar* values, int64_t D) {
    sweep(D, [&](int64_t d, auto lanes) {
        Floats all = load(y + d);
#pragma GCC unroll 4
        for (int k = 0; k < count; ++k) all += p[k] * load(values + k * D + d, lanes);
        store(y + d, all);
    });
}

// One query head against the n keys of a part. q and y are padded to whole registers.
template <class Scalar, class Score>
void attend(float* y, float& top, float& total, const float* q, const Scalar* keys, const Scalar* values,
            int64_t first_key, int64_t n, const Shapes& at, float scale, const QueryScore<Score>& score) {
    alignas(64) float s[part_keys];
    int64_t u = 0;
    for (; u + 4 <= n; u += 4) products_of<4>(s + u, q, keys + u * at.D, at.D, scale);
    for (; u < n; ++u) products_of<1>(s + u, q, keys + u * at.D, at.D, scale);

    Floats highest = splat(minus_infinity), sums = {};
    sweep(n, [&](int64_t i, auto lanes) {
        store(s + i, score(load(s + i, lanes), first_key + i), lanes);
        highest = larger(highest, load(s + i, lanes, minus_infinity));
    });
    top = largest(highest);
    const float reference = top == minus_infinity ? 0 : top;
    sweep(n, [&](int64_t i, auto lanes) {
        const Floats p = exponential(load(s + i, lanes, minus_infinity) - reference);
        sums += p;
        store(s + i, p, lanes);
    });
    total = sum(sums);

    std::fill(y, y + at.wide, 0.f);
    for (u = 0; u + 4 <= n; u += 4) add_values<4>(y, s + u, values + u * at.D, at.D);
    for (; u < n; ++u) add_values<1>(y, s + u, values + u * at.D, at.D);
}

// Combines the parts [first, last) of one head. Overwrites the maximum of each part with its weight.
template <class Scalar>
void combine(Scalar* y, float* parts, int64_t first, int64_t last, int64_t stride, const Shapes& at) {
    float top = minus_infinity, total = 0;
    for (int64_t k = first; k < last; ++k) top = std::max(top, parts[k * stride + at.wide]);
    for (int64_t k = first; k < last; ++k) {
        float& weight = parts[k * stride + at.wide];
        weight = weight == minus_infinity ? 0 : std::exp(weight - top);
        total += weight * parts[k * stride + at.wide + 1];
    }
    sweep(at.D, [&](int64_t d, auto lanes) {
        Floats all = {};
        for (int64_t k = first; k < last; ++k) all += load(parts + k * stride + d) * parts[k * stride + at.wide];
        store(y + d, total == 0 ? Floats{} : all / total, lanes);
    });
}

template <class Scalar, class Score>
void run(const AttentionCached& a, const Score& score) {
    static thread_local Buffer buffer;
    const Shapes at = {a.q.rows(), a.H, a.G, a.D, a.k_cache.shape.dim[0], a.k_cache.shape.dim[2]};
    const int32_t *sequence = a.sequence.as<int32_t>(), *position = a.position.as<int32_t>(), *lo = a.lo.as<int32_t>();
    int64_t parts = 1;  // of the longest context
    for (int64_t n = 0; n < at.N; ++n) {
        CHECK(sequence[n] >= 0 && sequence[n] < at.S, "sequence " + std::to_string(sequence[n]) + " has no cache");
        CHECK(position[n] >= 0 && position[n] < at.P,
              "position " + std::to_string(position[n]) + " is not in the cache");
        CHECK(lo[n] >= 0, "lo " + std::to_string(lo[n]) + " is below 0");
        parts = std::max<int64_t>(parts, position[n] / part_keys + 1);
    }
    Scalar *k_cache = a.k_cache.as<Scalar>(), *v_cache = a.v_cache.as<Scalar>();
    const auto q = heads_of<const Scalar>(a.q, at.N, at.D), k = heads_of<const Scalar>(a.k, at.N, at.D),
               v = heads_of<const Scalar>(a.v, at.N, at.D);
    const auto slot = [&](int64_t n, int64_t g, int64_t u) { return ((sequence[n] * at.G + g) * at.P + u) * at.D; };
    parallel(at.N, std::max<int64_t>(1, (1 << 14) / ((at.H + 2 * at.G) * at.D)), [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; ++n)
            for (int64_t g = 0; g < at.G; ++g) {
                std::copy_n(k.at(0, n, g), at.D, k_cache + slot(n, g, position[n]));
                std::copy_n(v.at(0, n, g), at.D, v_cache + slot(n, g, position[n]));
            }
    });

    // Blocks of rows, so that the partial results stay in the cache.
    const int64_t part_size = at.group_size * at.result, row_size = at.G * parts * part_size;
    const int64_t block = std::clamp<int64_t>((1 << 20) / row_size, 1, at.N);
    float* const results = buffer.floats(size_t(block * row_size + threads() * at.wide));
    float* const queries = results + block * row_size;
    for (int64_t from = 0; from < at.N; from += block) {
        const int64_t rows = std::min(block, at.N - from), per_row = at.G * parts;
        parallel_items(rows * per_row, grain_of(2 * double(std::min(at.P, part_keys) * at.group_size * at.D)),
                       [&](int64_t i, int thread) {
                           const int64_t n = from + i / per_row, g = i % per_row / parts, part = i % parts;
                           const int64_t first = std::max<int64_t>(lo[n], part * part_keys),
                                         last = std::min<int64_t>(position[n] + 1, (part + 1) * part_keys);
                           float *result = results + i * part_size, *query = queries + thread * at.wide;
                           for (int64_t m = 0; m < at.group_size; ++m, result += at.result) {
                               if (first >= last) {
                                   std::fill(result, result + at.result, 0.f);
                                   result[at.wide] = minus_infinity;
                                   continue;
                               }
                               const int64_t h = g * at.group_size + m;
                               std::fill(query, query + at.wide, 0.f);
                               sweep(at.D, [&](int64_t d, auto lanes) {
                                   store(query + d, load(q.at(0, n, h) + d, lanes), lanes);
                               });
                               attend(result, result[at.wide], result[at.wide + 1], query, k_cache + slot(n, g, first),
                                      v_cache + slot(n, g, first), first, last - first, at, float(a.scale),
                                      QueryScore<Score>{score, sequence[n], h, position[n]});
                           }
                       });
        parallel(rows * at.H, std::max<int64_t>(1, (1 << 12) / at.D), [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                const int64_t n = from + i / at.H, h = i % at.H, g = h / at.group_size, m = h % at.group_size;
                const int64_t first_part = std::min(lo[n] / part_keys, position[n] / part_keys + 1);
                combine(a.y.as<Scalar>() + (n * at.H + h) * at.D,
                        results + ((i / at.H * at.G + g) * parts) * part_size + m * at.result, first_part,
                        position[n] / part_keys + 1, part_size, at);
            }
        });
    }
}

}  // namespace

void attention_cached(const AttentionCached& a, Stream) {
    by_dtype(a.q.dtype,
             [&](auto kind) { by_score(a.score, [&](const auto& score) { run<decltype(kind)>(a, score); }); });
}

}  // namespace gradus::cpu
