#pragma once
// Shared by the tests of sampling: rows of logits with the inputs of a draw, a call of the op, and a plain implementation of the
// filters that every backend, including the reference, is compared with.
#include <numeric>
#include <optional>

#include "kernels/sampling.h"
#include "tests/kernels/harness.h"

namespace gradus::test {

struct Sampling {
    double temperature = 1;
    int64_t top_k = 0;
    double top_p = 1, min_p = 0, repetition_penalty = 1;
    uint64_t seed = 1;
};

inline std::string text_of(const Sampling& s) {
    char text[160];
    std::snprintf(text, sizeof text, "temperature %g, top-k %d, top-p %g, min-p %g, penalty %g", s.temperature,
                  int(s.top_k), s.top_p, s.min_p, s.repetition_penalty);
    return text;
}

struct SampledRow {
    std::vector<double> logits;
    std::vector<int32_t> seen = {};
    uint64_t stream = 0;
    int32_t position = 0;
};

inline double uniform_of(const SampledRow& row, uint64_t seed) {
    return Philox{key_of(seed, 0x67656e)}.uniform(uint64_t(row.position), row.stream);
}

struct Sampled {
    Owned ids, log_probs;
};

// The vocabulary in R slices of the required length plus `more`; elements that are not classes are `padding`.
inline Sampled sampled(const Ops& ops, DType dtype, const std::vector<SampledRow>& rows, const Sampling& s,
                       int64_t R = 1, int64_t more = 0, double padding = NAN) {
    const int64_t k = int64_t(rows.size()), V = int64_t(rows[0].logits.size()), Vr = (V + R - 1) / R + more;
    const Owned logits = filled(dtype, {R, k, Vr}, padding), streams(DType::i32, {k, 2}), positions(DType::i32, {k}),
                offsets(DType::i32, {k + 1}), workspace = poisoned(DType::f32, {sample_workspace(k, V)});
    std::vector<int32_t> ids;
    for (int64_t n = 0; n < k; ++n) {
        const SampledRow& row = rows[size_t(n)];
        for (int64_t v = 0; v < V; ++v) put(logits, (v / Vr * k + n) * Vr + v % Vr, row.logits[size_t(v)]);
        streams.as<uint32_t>()[2 * n] = uint32_t(row.stream);
        streams.as<uint32_t>()[2 * n + 1] = uint32_t(row.stream >> 32);
        put(positions, n, row.position);
        put(offsets, n, double(ids.size()));
        ids.insert(ids.end(), row.seen.begin(), row.seen.end());
    }
    put(offsets, k, double(ids.size()));
    const Owned seen = made(DType::i32, {int64_t(ids.size())}, [&](int64_t i) { return ids[size_t(i)]; });
    Sampled out = {poisoned(DType::i32, {k}), poisoned(accumulator_of(dtype), {k})};
    ops.sample({.ids = out.ids,
                .log_probs = out.log_probs,
                .workspace = workspace,
                .logits = logits,
                .streams = streams,
                .positions = positions,
                .seen_offsets = offsets,
                .seen = seen,
                .temperature = s.temperature,
                .top_k = s.top_k,
                .top_p = s.top_p,
                .min_p = s.min_p,
                .repetition_penalty = s.repetition_penalty,
                .seed = s.seed,
                .V = V},
               {});
    return out;
}

// The filters as in transformers: each sets logits to −∞, one filter after the other, with a full sort and a full softmax.
struct PlainFilters {
    std::vector<double> logits;
    double margin = 1;  // distance of the closest decision from its threshold, as a probability

    std::vector<double> probabilities() const {
        const double top = *std::max_element(logits.begin(), logits.end());
        std::vector<double> p;
        for (double x : logits) p.push_back(x == top ? 1 : std::exp(x - top));
        const double total = std::accumulate(p.begin(), p.end(), 0.0);
        for (double& x : p) x /= total;
        return p;
    }
    std::vector<size_t> most_likely_first() const {
        std::vector<size_t> order(logits.size());
        std::iota(order.begin(), order.end(), size_t(0));
        std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
        return order;
    }
    void remove(size_t id) { logits[id] = -INFINITY; }

    void penalty(const std::vector<int32_t>& seen, double factor) {
        for (int32_t id : seen) logits[size_t(id)] *= logits[size_t(id)] < 0 ? factor : 1 / factor;
    }
    void temperature(double t) {
        for (double& x : logits) x /= t;
    }
    void top_k(int64_t k) {
        const double least = logits[most_likely_first()[size_t(k) - 1]];
        for (size_t i = 0; i < logits.size(); ++i)
            if (logits[i] < least) remove(i);
    }
    void top_p(double p) {
        const std::vector<double> probability = probabilities();
        double before = 0;
        for (size_t id : most_likely_first()) {
            const double mine = probability[id];
            if (before > 0 && before >= p) remove(id);
            if (before > 0) margin = std::min(margin, std::abs(before - p));
            before += mine;
        }
    }
    void min_p(double least) {
        const std::vector<double> probability = probabilities();
        const double top = *std::max_element(probability.begin(), probability.end());
        for (size_t i = 0; i < logits.size(); ++i) {
            if (probability[i] < least * top) remove(i);
            if (probability[i] != top) margin = std::min(margin, std::abs(probability[i] - least * top));
        }
    }
};

struct Draw {
    int32_t id;
    double log_prob, margin;
};

inline PlainFilters filtered(const SampledRow& row, const Sampling& s) {
    PlainFilters plain{row.logits};
    plain.penalty(row.seen, s.repetition_penalty);
    if (s.temperature == 0) return plain;
    plain.temperature(s.temperature);
    if (s.top_k > 0 && s.top_k < int64_t(row.logits.size())) plain.top_k(s.top_k);
    if (s.top_p < 1) plain.top_p(s.top_p);
    if (s.min_p > 0) plain.min_p(s.min_p);
    return plain;
}

inline Draw plain_draw(const SampledRow& row, const Sampling& s) {
    PlainFilters plain = filtered(row, s), model{row.logits};
    if (s.temperature > 0) model.temperature(s.temperature);
    const auto drawn = [&](size_t id) { return Draw{int32_t(id), std::log(model.probabilities()[id]), plain.margin}; };
    std::vector<size_t> order = plain.most_likely_first();
    if (s.temperature == 0) return drawn(order[0]);

    if (s.top_p < 1) std::reverse(order.begin(), order.end());
    else std::sort(order.begin(), order.end());
    const std::vector<double> probability = plain.probabilities();
    const double u = uniform_of(row, s.seed);
    double sum = 0;
    for (size_t id : order) {
        const double before = sum;
        sum += probability[id];
        if (sum <= u) continue;
        plain.margin = std::min({plain.margin, u - before, sum - u});
        return drawn(id);
    }
    return {-1, NAN, 0};
}

// A row of random logits, some of them seen, whose draw does not depend on rounding to single precision: the first such among
// random rows and positions.
inline SampledRow separated_row(uint64_t seed, DType dtype, int64_t V, const Sampling& s) {
    for (uint64_t attempt = 0; attempt < 1000; ++attempt) {
        const uint64_t key = key_of(seed, attempt);
        const Owned drawn = random(key, dtype, {V}, 3);
        SampledRow row;
        for (int64_t v = 0; v < V; ++v) row.logits.push_back(at(drawn, v));
        for (int64_t v = V - 1; v >= 0; --v)
            if (Philox{key}.uniform(uint64_t(v), 1) < 0.3) row.seen.push_back(int32_t(v));
        row.stream = key;
        row.position = int32_t(Philox{key}.bits(0, 2) >> 34);
        if (plain_draw(row, s).margin > 5e-6) return row;
    }
    throw Error("no row's draw is well separated", "the filters leave too many ids of too little probability", "");
}

inline const std::vector<Sampling> samplings = {
    {},
    {.temperature = 0},
    {.temperature = 0, .repetition_penalty = 1.7},
    {.temperature = 0.5},
    {.temperature = 3, .seed = ~uint64_t(0)},
    {.top_k = 1},
    {.top_k = 7},
    {.top_k = 499, .repetition_penalty = 0.6},
    {.top_k = 600},
    {.top_k = 100000},
    {.top_p = 0},
    {.top_p = 0.3},
    {.top_p = 0.95, .repetition_penalty = 1.2},
    {.temperature = 2, .top_p = 0.99},
    {.min_p = 0.05},
    {.min_p = 1},
    {.temperature = 1.3, .top_k = 40, .top_p = 0.9, .min_p = 0.02, .repetition_penalty = 1.3, .seed = 7},
    {.temperature = 0.7, .top_k = 5, .top_p = 0.5, .min_p = 0.3},
};

}  // namespace gradus::test
