// Attention of the reference: kernels/attention.h.
#include <catch2/catch.hpp>

#include "kernels/attention.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();

std::string label(Heads s, const Mask& m) {
    return "attention B=" + std::to_string(s.B) + " T=" + std::to_string(s.T) + " H=" + std::to_string(s.H) +
           " G=" + std::to_string(s.G) + " D=" + std::to_string(s.D) + ", " + m.name;
}

double scale_of(Heads s) { return 1 / std::sqrt(double(s.D)); }
int64_t rows(Heads s) { return int64_t(s.B) * s.T; }
int64_t width(Heads s) { return int64_t(s.H + 2 * s.G) * s.D; }

struct Outcome {
    Owned y, lse;
};

Outcome forward(Heads s, int Tk, const PackedHeads& in, const Mask& m) {
    Outcome o{Owned(in.q.dtype, {rows(s), s.H * s.D}), Owned(accumulator_of(in.q.dtype), {s.B, s.H, s.T})};
    ops.attention_forward({.y = o.y,
                           .lse = o.lse,
                           .q = in.q,
                           .k = in.k,
                           .v = in.v,
                           .lo = m.lo,
                           .hi = m.hi,
                           .B = s.B,
                           .Tq = s.T,
                           .Tk = Tk,
                           .H = s.H,
                           .G = s.G,
                           .D = s.D,
                           .scale = scale_of(s)},
                          {});
    return o;
}

Outcome forward(Heads s, const Tensor& qkv, const Mask& m) {
    return forward(s, s.T, packed_heads(qkv, s.H, s.G, s.D), m);
}

void backward(Heads s, int Tk, const PackedHeads& d_in, const Tensor& d_y, const PackedHeads& in, const Outcome& o,
              const Mask& m) {
    const Owned delta(o.lse.dtype, o.lse.shape);
    ops.attention_backward({.d_q = d_in.q,
                            .d_k = d_in.k,
                            .d_v = d_in.v,
                            .delta = delta,
                            .d_y = d_y,
                            .q = in.q,
                            .k = in.k,
                            .v = in.v,
                            .y = o.y,
                            .lse = o.lse,
                            .lo = m.lo,
                            .hi = m.hi,
                            .B = s.B,
                            .Tq = s.T,
                            .Tk = Tk,
                            .H = s.H,
                            .G = s.G,
                            .D = s.D,
                            .scale = scale_of(s)},
                           {});
}

Owned backward(Heads s, const Tensor& d_y, const Tensor& qkv, const Outcome& o, const Mask& m) {
    Owned d_qkv(qkv.dtype, qkv.shape);
    backward(s, s.T, packed_heads(d_qkv, s.H, s.G, s.D), d_y, packed_heads(qkv, s.H, s.G, s.D), o, m);
    return d_qkv;
}

}  // namespace

TEST_CASE("the backward of attention is the derivative of its forward, with every mask") {
    for (Heads s : awkward_heads)
        for (const Mask& m : masks(s.B, s.T)) {
            const Owned qkv = random(1, DType::f64, {rows(s), width(s)});
            const Owned d_y = random(2, DType::f64, {rows(s), s.H * s.D});
            const Owned d_qkv = backward(s, d_y, qkv, forward(s, qkv, m), m);
            const Owned probe = converted(qkv, DType::c128);
            const std::string wrong = wrong_gradient(label(s, m), {{"qkv", probe, d_qkv}},
                                                     [&] { return functional(forward(s, probe, m).y, d_y); });
            REQUIRE(wrong == "");
        }
}

TEST_CASE("the backward of cross-attention is the derivative of its forward, with more or fewer keys than queries") {
    for (Heads s : awkward_heads)
        for (int Tk : {1, s.T + 3})
            for (const Mask& m : masks(s.B, s.T, Tk)) {
                const int64_t keys = int64_t(s.B) * Tk;
                const Owned q = random(1, DType::f64, {rows(s), s.H * s.D}),
                            k = random(2, DType::f64, {keys, s.G * s.D}), v = random(3, DType::f64, {keys, s.G * s.D}),
                            d_y = random(4, DType::f64, q.shape);
                const Owned d_q(DType::f64, q.shape), d_k(DType::f64, k.shape), d_v(DType::f64, v.shape);
                backward(s, Tk, {d_q, d_k, d_v}, d_y, {q, k, v}, forward(s, Tk, {q, k, v}, m), m);
                const Owned probe_q = converted(q, DType::c128), probe_k = converted(k, DType::c128),
                            probe_v = converted(v, DType::c128);
                const std::string wrong =
                    wrong_gradient(label(s, m) + " Tk=" + std::to_string(Tk),
                                   {{"q", probe_q, d_q}, {"k", probe_k, d_k, 1}, {"v", probe_v, d_v}}, [&] {
                                       return functional(forward(s, Tk, {probe_q, probe_k, probe_v}, m).y, d_y);
                                   });
                REQUIRE(wrong == "");
            }
}

TEST_CASE("attention is the softmax of the scaled scores, times the values") {
    for (Heads s : awkward_heads)
        for (const Mask& m : masks(s.B, s.T)) {
            const Owned qkv = random(1, DType::f64, {rows(s), width(s)});
            const Outcome o = forward(s, qkv, m);
            auto head = [&](int64_t n, int64_t slot, int64_t d) { return at(qkv, n * width(s) + slot * s.D + d); };
            Owned y(DType::f64, o.y.shape), lse(DType::f64, o.lse.shape);
            for (int64_t b = 0; b < s.B; ++b)
                for (int64_t h = 0; h < s.H; ++h)
                    for (int64_t t = 0; t < s.T; ++t) {
                        const int64_t q = b * s.T + t, g = h / (s.H / s.G);
                        std::vector<double> weight(size_t(s.T), 0);
                        double total = 0;
                        for (int64_t u = 0; u < s.T; ++u) {
                            if (u < at(m.lo, q) || u >= at(m.hi, q)) continue;
                            double score = 0;
                            for (int64_t d = 0; d < s.D; ++d) score += head(q, h, d) * head(b * s.T + u, s.H + g, d);
                            total += weight[size_t(u)] = std::exp(score / std::sqrt(double(s.D)));
                        }
                        put(lse, (b * s.H + h) * s.T + t, std::log(total));
                        for (int64_t d = 0; d < s.D; ++d) {
                            double sum = 0;
                            for (int64_t u = 0; u < s.T; ++u)
                                sum += weight[size_t(u)] * head(b * s.T + u, s.H + s.G + g, d);
                            put(y, (q * s.H + h) * s.D + d, total > 0 ? sum / total : 0);
                        }
                    }
            REQUIRE(difference(label(s, m) + ", y", o.y, y, 1e-13, 1e-14) == "");
            REQUIRE(difference(label(s, m) + ", lse", o.lse, lse, 1e-13, 1e-14) == "");
        }
}

TEST_CASE("a query without keys gives 0, an lse of minus infinity and no gradient") {
    const Heads s = {1, 4, 2, 1, 3};
    const Mask m = {"nothing", filled(DType::i32, {1, 4}, 2), filled(DType::i32, {1, 4}, 2)};
    const Owned qkv = random(1, DType::f32, {4, width(s)}), d_y = random(2, DType::f32, {4, 6});
    const Outcome o = forward(s, qkv, m);
    const Owned d_qkv = backward(s, d_y, qkv, o, m);
    for (int64_t i = 0; i < o.y.size(); ++i) REQUIRE(at(o.y, i) == 0);
    for (int64_t i = 0; i < o.lse.size(); ++i) REQUIRE(at(o.lse, i) == -INFINITY);
    for (int64_t i = 0; i < d_qkv.size(); ++i) REQUIRE(at(d_qkv, i) == 0);
}

TEST_CASE("scores of thousands do not overflow") {
    const Heads s = {1, 6, 2, 2, 4};
    const Owned qkv = random(1, DType::f32, {6, width(s)}, 100);
    const Outcome o = forward(s, qkv, masks(1, 6)[0]);
    for (int64_t i = 0; i < o.y.size(); ++i) REQUIRE(std::abs(at(o.y, i)) <= 1000);
    for (int64_t i = 0; i < o.lse.size(); ++i) REQUIRE(std::isfinite(at(o.lse, i)));
}

TEST_CASE("packed documents have the same outputs and gradients as separate ones, bit for bit") {
    const Heads whole = {1, 9, 4, 2, 5}, third = {1, 3, 4, 2, 5};
    const Owned qkv = random(1, DType::f32, {9, width(whole)}), d_y = random(2, DType::f32, {9, 20});
    const std::vector<Mask> packed = masks(1, 9), causal = masks(1, 3);
    REQUIRE(packed[2].name == "packed documents");
    const Outcome together = forward(whole, qkv, packed[2]);
    const Owned d_qkv = backward(whole, d_y, qkv, together, packed[2]);
    for (int64_t document = 0; document < 3; ++document) {
        const Tensor part = qkv.slice(document * 3, 3);
        const Outcome alone = forward(third, part, causal[0]);
        REQUIRE(same_bits(together.y.slice(document * 3, 3), alone.y));
        REQUIRE(same_bits(d_qkv.slice(document * 3, 3),
                          backward(third, d_y.slice(document * 3, 3), part, alone, causal[0])));
    }
}

TEST_CASE("attention with grouped heads is attention with the keys and values of each group repeated") {
    const Heads grouped = {2, 5, 4, 2, 3}, full = {2, 5, 4, 4, 3};
    const Owned qkv = random(1, DType::f64, {10, width(grouped)});
    Owned repeated(DType::f64, {10, width(full)});
    for (int64_t n = 0; n < 10; ++n)
        for (int64_t slot = 0; slot < 12; ++slot) {
            const int64_t from = slot < 4 ? slot : slot < 8 ? 4 + (slot - 4) / 2 : 6 + (slot - 8) / 2;
            for (int64_t d = 0; d < 3; ++d)
                put(repeated, n * width(full) + slot * 3 + d, at(qkv, n * width(grouped) + from * 3 + d));
        }
    const std::vector<Mask> m = masks(2, 5);
    REQUIRE(same_bits(forward(grouped, qkv, m[0]).y, forward(full, repeated, m[0]).y));
}

TEST_CASE("attention with a cache, in chunks of any length, equals attention over the whole sequence") {
    for (Heads s : awkward_heads)
        for (int piece : {1, 3, s.T})
            for (size_t kind : {0u, 1u}) {  // causal, sliding window
                const Mask m = std::move(masks(s.B, s.T)[kind]);
                const Owned qkv = random(1, DType::f32, {rows(s), width(s)});
                const Outcome want = forward(s, qkv, m);
                const int P = s.T + 2;
                const Owned k_cache(DType::f32, {s.B, s.G, P, s.D}), v_cache(DType::f32, {s.B, s.G, P, s.D});
                for (int first = 0; first < s.T; first += piece) {
                    // the same positions of every sequence, sequences in turn, the last one first
                    std::vector<int64_t> taken;
                    for (int t = first; t < std::min(s.T, first + piece); ++t)
                        for (int b = s.B - 1; b >= 0; --b) taken.push_back(int64_t(b) * s.T + t);
                    const int64_t n = int64_t(taken.size());
                    const Owned some(DType::f32, {n, width(s)}), y(DType::f32, {n, s.H * s.D});
                    const Owned sequence(DType::i32, {n}), position(DType::i32, {n}), lo(DType::i32, {n});
                    for (int64_t i = 0; i < n; ++i) {
                        const int64_t row = taken[size_t(i)];
                        std::memcpy(some.slice(i, 1).data, qkv.slice(row, 1).data, qkv.slice(row, 1).bytes());
                        put(sequence, i, double(row / s.T));
                        put(position, i, double(row % s.T));
                        put(lo, i, at(m.lo, row));
                    }
                    const PackedHeads in = packed_heads(some, s.H, s.G, s.D);
                    ops.attention_cached({.y = y,
                                          .k_cache = k_cache,
                                          .v_cache = v_cache,
                                          .q = in.q,
                                          .k = in.k,
                                          .v = in.v,
                                          .sequence = sequence,
                                          .position = position,
                                          .lo = lo,
                                          .H = s.H,
                                          .G = s.G,
                                          .D = s.D,
                                          .scale = scale_of(s)},
                                         {});
                    for (int64_t i = 0; i < n; ++i)
                        REQUIRE(same_bits(y.slice(i, 1), want.y.slice(taken[size_t(i)], 1)));
                }
                REQUIRE(std::isnan(at(k_cache, k_cache.size() - 1)));  // unused slots are unchanged
            }
}

TEST_CASE("the reference rejects key intervals that leave the sequence or decrease") {
    const Heads s = {1, 3, 1, 1, 2};
    const Owned qkv = random(1, DType::f32, {3, width(s)});
    auto with = [&](std::array<int, 3> lo, std::array<int, 3> hi) {
        Mask m = {"broken", Owned(DType::i32, {1, 3}), Owned(DType::i32, {1, 3})};
        for (int64_t t = 0; t < 3; ++t) {
            put(m.lo, t, lo[size_t(t)]);
            put(m.hi, t, hi[size_t(t)]);
        }
        return m;
    };
    forward(s, qkv, with({0, 0, 1}, {1, 2, 3}));
    REQUIRE_THROWS_WITH(forward(s, qkv, with({0, 0, 0}, {1, 2, 4})), Catch::Contains("leaves its sequence at query 2"));
    REQUIRE_THROWS_WITH(forward(s, qkv, with({-1, 0, 0}, {1, 2, 3})),
                        Catch::Contains("leaves its sequence at query 0"));
    REQUIRE_THROWS_WITH(forward(s, qkv, with({0, 1, 0}, {1, 2, 3})), Catch::Contains("decrease at query 2"));
    REQUIRE_THROWS_WITH(forward(s, qkv, with({0, 0, 0}, {2, 1, 3})), Catch::Contains("decrease at query 1"));
}
