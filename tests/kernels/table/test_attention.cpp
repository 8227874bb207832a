// Attention of any backend against the reference: head widths, groups and masks that are not multiples of any tile.
#include "kernels/attention.h"
#include "kernels/choices.h"
#include "tests/kernels/table/attention.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// Cheap shapes run with every mask, the others with three.
std::vector<Mask> masks_for(const Heads& h, int Tk = 0) {
    std::vector<Mask> all = masks(h.B, h.T, Tk), some;
    if (h.T < 20 && !tested().slow) return all;
    for (Mask& mask : all)
        if (mask.name == "causal" || mask.name == "padded, both ways" || mask.name == "empty in between")
            some.push_back(std::move(mask));
    return some;
}

// Separate tensors for queries and keys, of different lengths; k and v are columns of one tensor, as from one linear for both.
struct Cross {
    Heads heads;
    int Tk;
    int gap = 1;  // unit of the gaps between the rows, in elements: with 8, rows stay aligned
};
std::vector<Cross> crosses() {
    if (tested().slow) return {{{1, 1, 1, 1, 1}, 5}, {{2, 9, 4, 2, 20}, 3}, {{1, 4, 2, 1, 64}, 11}};
    return {{{1, 1, 1, 1, 1}, 5},  {{1, 7, 2, 2, 4}, 3},     {{2, 5, 4, 2, 5}, 9},
            {{2, 9, 3, 1, 20}, 4}, {{1, 61, 2, 1, 64}, 130}, {{1, 131, 2, 1, 16}, 67}};
}

// Shapes that end at the edges of tiles of 64 queries and 64 keys, or of 32 keys in wide heads, and just before and behind; every
// width that kernels are compiled for, and one between each two of them; groups of one, two and four heads. Two or three tiles
// of queries and one to four of keys have every case of more: an inner tile, a first and a last one. D = 16 has the same tiles as 64.
std::vector<Cross> tile_edges() {
    if (tested().slow) return {{{1, 65, 2, 1, 16}, 129, 8}, {{1, 17, 1, 1, 136}, 33, 8}};
    return {{{1, 1, 2, 1, 64}, 63, 8},   {{1, 63, 4, 1, 16}, 64, 8},   {{1, 64, 2, 2, 16}, 65, 8},
            {{2, 65, 1, 1, 16}, 1, 8},   {{1, 129, 2, 1, 16}, 200, 8}, {{1, 200, 1, 1, 64}, 129, 8},
            {{1, 66, 2, 1, 72}, 65, 8},  {{1, 65, 1, 1, 80}, 64, 8},   {{1, 20, 1, 1, 88}, 130, 8},
            {{1, 65, 1, 1, 96}, 66, 8},  {{1, 64, 1, 1, 104}, 65, 8},  {{1, 65, 1, 1, 128}, 129, 8},
            {{1, 33, 1, 1, 136}, 32, 8}, {{1, 65, 1, 1, 192}, 65, 8},  {{1, 33, 2, 1, 200}, 31, 8},
            {{1, 65, 1, 1, 256}, 33, 8}};
}

// [B·Tk, …]: a gap, k, a gap, v, a gap.
struct KeysAndValues {
    Owned whole;
    int64_t gap_before, gap_between;
    PackedHeads with_queries(const Tensor& q, const Heads& h) const {
        const int64_t C = h.G * h.D;
        return {q, whole.columns(gap_before, C), whole.columns(gap_before + C + gap_between, C)};
    }
};
KeysAndValues keys_and_values(const Tensor& k, const Tensor& v, double gap, int unit) {
    const int64_t before = 2 * unit, between = unit, C = k.last(), width = before + C + between + C + 4 * unit;
    return {
        made(k.dtype, {k.rows(), width},
             [&](int64_t i) {
                 const int64_t n = i / width, key = i % width - before, value = key - C - between;
                 return key >= 0 && key < C ? at(k, n * C + key) : value >= 0 && value < C ? at(v, n * C + value) : gap;
             }),
        before, between};
}

// Forward and backward; the gaps must stay as they are, and must not be read.
void compare_views(const Cross& c, const Mask& mask) {
    const Heads& h = c.heads;
    const int64_t queries = int64_t(h.B) * h.T, keys = int64_t(h.B) * c.Tk, C = h.H * h.D;
    const auto of_queries = [&](const Tensor& t, double gap) { return with_gaps(t, gap, 2 * c.gap, 3 * c.gap); };
    std::map<std::pair<DType, uint64_t>, SavedAttention> of_truth;
    compare(named("attention of views", h, mask.name) + " Tk=" + std::to_string(c.Tk), [&](const Side& s) {
        const auto forward = [&](const Side& side) {
            const WithGaps q = of_queries(side.in(1, {queries, C}), NAN);
            const KeysAndValues kv =
                keys_and_values(side.in(2, {keys, h.G * h.D}), side.in(3, {keys, h.G * h.D}), NAN, c.gap);
            return attention_forward(side, h, c.Tk, mask, kv.with_queries(q.view(), h), usual_scale(h));
        };
        const std::pair key(s.source, s.draw);
        if (!of_truth.count(key)) of_truth.emplace(key, forward(s.of_truth()));
        const SavedAttention& saved = of_truth.at(key);
        const SavedAttention given = {s.saved(saved.y), s.saved_statistic(saved.lse)};
        const WithGaps q = of_queries(s.in(1, {queries, C}), NAN);
        const KeysAndValues kv = keys_and_values(s.in(2, {keys, h.G * h.D}), s.in(3, {keys, h.G * h.D}), NAN, c.gap);
        WithGaps d_q = of_queries(s.out({queries, C}), 7.5);
        KeysAndValues d_kv = keys_and_values(s.out({keys, h.G * h.D}), s.out({keys, h.G * h.D}), 7.5, c.gap);
        attention_backward(s, h, c.Tk, mask, d_kv.with_queries(d_q.view(), h), s.in(4, {queries, C}),
                           kv.with_queries(q.view(), h), given, usual_scale(h));
        SavedAttention y = forward(s);
        // Compared as one output: the gradient of a query with a single key cancels to 0, and the others set the error bound.
        const int64_t of_q = d_q.whole.size();
        Owned gradients = made(s.dtype, {of_q + d_kv.whole.size()},
                               [&](int64_t i) { return i < of_q ? at(d_q.whole, i) : at(d_kv.whole, i - of_q); });
        return outputs(std::move(y.y), std::move(y.lse), std::move(gradients));
    });
}

// Of queries that are the last of a sequence of keys.
std::vector<Mask> masks_of_last_queries(int T, int Tk) {
    const auto mask = [&](const std::string& name, auto interval) {
        Mask made = {name, Owned(DType::i32, {1, T}), Owned(DType::i32, {1, T})};
        for (int t = 0; t < T; ++t) {
            const auto [lo, hi] = interval(t, Tk - T + t);
            put(made.lo, t, lo);
            put(made.hi, t, hi);
        }
        return made;
    };
    std::vector<Mask> all;
    all.push_back(mask("causal", [](int, int u) { return std::pair(0, u + 1); }));
    all.push_back(mask("window", [&](int, int u) { return std::pair(std::max(0, u - Tk / 2 + 1), u + 1); }));
    all.push_back(mask("every key", [&](int, int) { return std::pair(0, Tk); }));
    all.push_back(mask("empty for half", [&](int t, int) { return t < 70 ? std::pair(0, 0) : std::pair(0, Tk - 30); }));
    return all;
}

}  // namespace

TEST_CASE("attention forward is as exact as the naive formula with every mask") {
    for (const Heads& h : heads())
        for (const Mask& mask : masks_for(h)) compare_attention_forward(h, mask);
}

TEST_CASE("attention backward is as exact as the naive formula with every mask") {
    for (const Heads& h : heads())
        for (const Mask& mask : masks_for(h)) compare_attention_backward(h, mask);
}

TEST_CASE(
    "attention of views, with more or fewer keys than queries, is as exact as the naive formula, and leaves gaps "
    "alone") {
    for (const Cross& c : crosses())
        for (const Mask& mask : masks(c.heads.B, c.heads.T, c.Tk)) compare_views(c, mask);
}

TEST_CASE("attention at the edges of tiles is as exact as the naive formula, with every mask and head width") {
    for (const Cross& c : tile_edges())
        for (const Mask& mask : c.Tk == 200 ? masks(c.heads.B, c.heads.T, c.Tk) : masks_for(c.heads, c.Tk))
            compare_views(c, mask);
}

// Some kernels take 128 queries and 128 keys at a time, and keep tiles of keys in a ring: here it goes round twice and a half. The
// queries are the last of a sequence of keys.
TEST_CASE("attention over many tiles of keys is as exact as the naive formula") {
    const int Tk = 600, T = tested().slow ? 20 : 140;
    const Heads h = {1, T, 1, 1, 16};
    for (const Mask& mask : masks_of_last_queries(T, Tk)) {
        if (tested().slow && mask.name != "causal") continue;
        compare(named("attention_forward", h, mask.name),
                [&](const Side& s) {
                    const Owned q = s.in(1, {T, h.D}), k = s.in(2, {Tk, h.D}), v = s.in(3, {Tk, h.D});
                    SavedAttention saved = attention_forward(s, h, Tk, mask, {q, k, v}, usual_scale(h));
                    return outputs(std::move(saved.y), std::move(saved.lse));
                },
                {DType::bf16});
    }
}

// Here tiles of queries, those of all heads of a group one after the other, go round in a ring too.
TEST_CASE("attention backward over many tiles is as exact as the naive formula") {
    const int Tk = 520;
    for (const Heads& h : {Heads{1, 140, 2, 1, 16}, Heads{1, 70, 1, 1, 128}})
        for (const Mask& mask : masks_of_last_queries(h.T, Tk)) {
            if (h.D == 128 ? mask.name != "window" || tested().slow : mask.name != "window" && tested().slow) continue;
            compare(named("attention_backward", h, mask.name),
                    [&](const Side& s) {
                        const Owned q = s.in(1, {h.T, h.H * h.D}), k = s.in(2, {Tk, h.D}), v = s.in(3, {Tk, h.D}),
                                    d_y = s.in(4, {h.T, h.H * h.D}), d_q = s.out(q.shape), d_k = s.out(k.shape),
                                    d_v = s.out(v.shape);
                        const Side truth = s.of_truth();
                        const SavedAttention saved = attention_forward(
                            truth, h, Tk, mask, {truth.in(1, q.shape), truth.in(2, k.shape), truth.in(3, v.shape)},
                            usual_scale(h));
                        const SavedAttention given = {s.saved(saved.y), s.saved_statistic(saved.lse)};
                        attention_backward(s, h, Tk, mask, {d_q, d_k, d_v}, d_y, {q, k, v}, given, usual_scale(h));
                        return outputs(copy_of(d_q), copy_of(d_k), copy_of(d_v));
                    },
                    {DType::bf16});
        }
}

TEST_CASE("values of keys that no query sees may be NaN") {
    for (const Heads& h : {Heads{1, 70, 1, 1, 64}, Heads{1, 5, 1, 1, 128}}) {
        const Side s = {tested().ops, DType::bf16, DType::bf16};
        const int Tk = 150, seen = 67, start = 3;
        const Owned q = s.in(1, {h.T, h.D}), k = s.in(2, {Tk, h.D}), v = s.in(3, {Tk, h.D});
        const Mask mask = {"part of the keys", integers(1, {1, h.T}, start, start + 1),
                           integers(1, {1, h.T}, seen, seen + 1)};
        const SavedAttention clean = attention_forward(s, h, Tk, mask, {q, k, v}, 0.1);
        for (int64_t i = 0; i < v.size(); ++i)
            if (i / h.D < start || i / h.D >= seen) put(v, i, NAN), put(k, i, NAN);
        const SavedAttention dirty = attention_forward(s, h, Tk, mask, {q, k, v}, 0.1);
        REQUIRE(same_bits(clean.y, dirty.y));
        REQUIRE(same_bits(clean.lse, dirty.lse));
    }
}

TEST_CASE("packed heads and heads in separate tensors give the same bits") {
    const Side s = {tested().ops, DType::f32, DType::f32};
    const Heads h = {2, 13, 4, 2, 20};
    const Mask mask = std::move(masks(h.B, h.T).front());
    const Owned qkv = qkv_of(s, h), d_y = s.in(2, {int64_t(h.B) * h.T, h.H * h.D});
    const PackedHeads views = packed_heads(qkv, h.H, h.G, h.D);
    const Owned q = dense(views.q), k = dense(views.k), v = dense(views.v);
    const SavedAttention packed = attention_forward(s, h, mask, qkv, 0.3),
                         apart = attention_forward(s, h, h.T, mask, {q, k, v}, 0.3);
    REQUIRE(same_bits(packed.y, apart.y));
    REQUIRE(same_bits(packed.lse, apart.lse));
    const Owned d_qkv = attention_backward(s, h, mask, d_y, qkv, packed, 0.3);
    const Owned d_q = s.out(q.shape), d_k = s.out(k.shape), d_v = s.out(v.shape);
    attention_backward(s, h, h.T, mask, {d_q, d_k, d_v}, d_y, {q, k, v}, apart, 0.3);
    const PackedHeads d_views = packed_heads(d_qkv, h.H, h.G, h.D);
    REQUIRE(same_bits(d_q, dense(d_views.q)));
    REQUIRE(same_bits(d_k, dense(d_views.k)));
    REQUIRE(same_bits(d_v, dense(d_views.v)));
}

TEST_CASE("scores of several hundred do not overflow") {
    const Heads h = {1, tested().slow ? 13 : 75, 1, 1, 16};
    for (const Mask& mask : masks_for(h))
        compare("large scores, " + mask.name, [&](const Side& s) {
            SavedAttention saved = attention_forward(s, h, mask, qkv_of(s, h, 12), 1);
            return outputs(std::move(saved.y), std::move(saved.lse));
        });
}

TEST_CASE("scores far below 0 give the same softmax as scores above, with one key or many") {
    for (const Heads& h : {Heads{1, 7, 2, 1, 8}, Heads{1, 7, 2, 1, 7}})
        for (const Mask& mask : masks_for(h))
            compare("low scores, " + mask.name, [&](const Side& s) {
                const Owned qkv = qkv_of(s, h, 8);
                for (int64_t i = 0; i < qkv.size(); ++i) {
                    const int64_t channel = i % qkv.last(), keys = h.H * h.D, values = keys + h.G * h.D;
                    if (channel < values) put(qkv, i, channel < keys ? std::abs(at(qkv, i)) : -std::abs(at(qkv, i)));
                }
                SavedAttention saved = attention_forward(s, h, mask, qkv, 1);
                return outputs(std::move(saved.y), std::move(saved.lse));
            });
}

TEST_CASE("attention with a scale that is not positive is as exact as the naive formula") {
    const Heads h = {1, 9, 2, 1, 16};
    for (double scale : {-0.3, 0.0})
        for (const Mask& mask : masks_for(h))
            compare("scale " + std::to_string(scale) + ", " + mask.name, [&](const Side& s) {
                SavedAttention saved = attention_forward(s, h, mask, qkv_of(s, h), scale);
                return outputs(std::move(saved.y), std::move(saved.lse));
            });
}

TEST_CASE("attention with a cache is as exact as the naive formula, for rows of several sequences") {
    struct Cached {
        int H, G, D, S, P;
        std::vector<int> sequence, position, lo;
    };
    // Both rows of the sixth sequence have an empty interval: their y is 0.
    std::vector<Cached> cases = {
        {2, 1, 5, 1, 1, {0}, {0}, {0}},     {4, 2, 64, 3, 40, {2, 0, 0, 0, 1}, {30, 4, 5, 6, 39}, {0, 0, 2, 6, 17}},
        {8, 2, 80, 1, 60, {0}, {55}, {30}}, {1, 1, 256, 1, 9, {0, 0}, {7, 8}, {0, 0}},
        {2, 1, 300, 1, 9, {0}, {8}, {1}},   {2, 2, 8, 2, 9, {0, 1}, {3, 8}, {5, 9}}};
    if (!tested().slow) {
        cases.push_back({3, 3, 17, 2, 700, {1, 0}, {699, 256}, {0, 255}});
        cases.push_back({8, 2, 128, 1, 600, {0}, {555}, {300}});
        cases.push_back({3, 1, 96, 2, 30, {1, 1}, {7, 8}, {0, 0}});
        // The longest context ends near the boundary of a part of 256 keys: 256, 257, 512 and 513 keys.
        for (int last : {255, 256, 511, 512}) cases.push_back({2, 1, 16, 1, 600, {0, 0}, {17, last}, {0, 0}});
    }
    // A prompt, with a window.
    const int rows = tested().slow ? 20 : 90;
    cases.push_back({2, 1, 16, 1, rows, {}, {}, {}});
    for (int n = 0; n < rows; ++n) {
        cases.back().sequence.push_back(0);
        cases.back().position.push_back(n);
        cases.back().lo.push_back(std::max(0, n - rows / 2));
    }
    for (const Cached& c : cases)
        compare("attention_cached", [&](const Side& s) {
            const int64_t N = int64_t(c.sequence.size());
            const auto ids = [&](const std::vector<int>& values) {
                Owned t(DType::i32, {N});
                for (int64_t n = 0; n < N; ++n) put(t, n, values[size_t(n)]);
                return t;
            };
            const Owned sequence = ids(c.sequence), position = ids(c.position), lo = ids(c.lo);
            const Owned k = s.in(1, {c.S, c.G, c.P, c.D}), v = s.in(2, {c.S, c.G, c.P, c.D});
            const Owned qkv = s.in(3, {N, (c.H + 2 * c.G) * c.D}), y = s.out({N, c.H * c.D});
            const PackedHeads in = packed_heads(qkv, c.H, c.G, c.D);
            s.ops.attention_cached({.y = y,
                                    .k_cache = k,
                                    .v_cache = v,
                                    .q = in.q,
                                    .k = in.k,
                                    .v = in.v,
                                    .sequence = sequence,
                                    .position = position,
                                    .lo = lo,
                                    .H = c.H,
                                    .G = c.G,
                                    .D = c.D,
                                    .scale = 1 / std::sqrt(double(c.D))},
                                   {});
            return outputs(copy_of(y), copy_of(k), copy_of(v));
        });
}

// It rounds to 11 bits, bf16 to 8: the errors of operands rounded to bf16 bound those of tf32 well.
TEST_CASE("attention in tf32 is within the bounds of bf16") {
    struct Setting {
        bool before = kernel_choices().tf32;
        Setting() { kernel_choices().tf32 = true; }
        ~Setting() { kernel_choices().tf32 = before; }
    } tf32;
    const std::vector<Heads> shapes =
        tested().slow ? std::vector<Heads>{{1, 17, 2, 1, 16}}
                      : std::vector<Heads>{{1, 70, 2, 1, 64}, {1, 35, 1, 1, 80}, {1, 34, 2, 2, 96}, {1, 66, 1, 1, 128}};
    for (const Heads& h : shapes)
        for (const Mask& mask : masks_for(h)) {
            const auto run = [&](const Side& s) {
                const Owned qkv = qkv_of(s, h), d_y = s.in(2, {int64_t(h.B) * h.T, h.H * h.D});
                SavedAttention saved = attention_forward(s, h, mask, qkv, usual_scale(h));
                Owned d_qkv = attention_backward(s, h, mask, d_y, qkv, saved, usual_scale(h));
                return outputs(std::move(saved.y), std::move(d_qkv));
            };
            const Outputs got = run({tested().ops, DType::f32, DType::f32}),
                          truth = run({reference_ops(), DType::f64, DType::f32});
            REQUIRE(outside_bound(named("attention in tf32", h, mask.name), got, truth,
                                  naive_errors(run, DType::bf16, got)) == "");
        }
}
