// Attention with a cache on any backend: the edges of splits, of tiles of rows and of groups, and every score function.
#include "tests/kernels/table/scores.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct CachedRow {
    int sequence, position, lo = 0;
};
struct Cached {
    int H, G, D, S, P;
    std::vector<CachedRow> rows;

    Heads heads() const { return {1, int(rows.size()), H, G, D}; }
    std::string name() const {
        return "attention_cached H=" + std::to_string(H) + " G=" + std::to_string(G) + " D=" + std::to_string(D) +
               " P=" + std::to_string(P) + " rows=" + std::to_string(rows.size());
    }
};

// count rows of one sequence from a position on.
std::vector<CachedRow> prompt(int sequence, int first, int count, int window = 1 << 20) {
    std::vector<CachedRow> rows;
    for (int i = first; i < first + count; ++i) rows.push_back({sequence, i, std::max(0, i + 1 - window)});
    return rows;
}

std::vector<CachedRow> operator+(std::vector<CachedRow> a, const std::vector<CachedRow>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// y, and the caches: their other slots must stay as they are.
Outputs outputs_of(const Cached& c, const Side& s, const AttentionScore& score = {}) {
    const auto N = int64_t(c.rows.size());
    const auto column = [&](int CachedRow::*field) {
        return made(DType::i32, {N}, [&](int64_t n) { return c.rows[size_t(n)].*field; });
    };
    const Owned sequence = column(&CachedRow::sequence), position = column(&CachedRow::position),
                lo = column(&CachedRow::lo);
    Owned k = s.in(1, {c.S, c.G, c.P, c.D}), v = s.in(2, {c.S, c.G, c.P, c.D}), y = s.out({N, c.H * c.D});
    const Owned qkv = s.in(3, {N, (c.H + 2 * c.G) * c.D}, 1.5);
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
                            .scale = 1 / std::sqrt(double(c.D)),
                            .score = score},
                           {});
    return outputs(std::move(y), std::move(k), std::move(v));
}

void compare_cached(const Cached& c) {
    compare(c.name(), [&](const Side& s) { return outputs_of(c, s); });
}

}  // namespace

TEST_CASE("attention with a cache is exact for contexts that end or begin at the edges of splits") {
    // Splits have 128 keys or more; tiles 16 and 64.
    const int P = tested().slow ? 140 : 300;
    std::vector<CachedRow> ends, begins;
    for (int last : {1, 16, 17, 64, 65, 127, 128, 129, 255, 256, 257, 300})
        if (last <= P) ends.push_back({int(ends.size()) % 3, last - 1});
    for (int first : {1, 63, 127, 128, 130, 250})
        if (first < P - 10) begins.push_back({int(begins.size()) % 3, P - 9 + int(begins.size()), first});
    compare_cached({2, 1, 16, 3, P, ends});
    compare_cached({2, 1, 16, 3, P, begins});
    if (tested().slow) return;
    compare_cached({1, 1, 128, 3, P, ends});
    compare_cached({2, 2, 256, 3, 140, {{0, 139}, {1, 127, 3}, {2, 128, 128}}});
}

TEST_CASE("attention with a cache is exact for groups of every size, those of more than 16 heads too") {
    const std::vector<CachedRow> rows = prompt(1, 3, 4) + std::vector<CachedRow>{{0, 20}, {2, 5, 3}};
    for (const auto& [H, G] : std::vector<std::pair<int, int>>{{1, 1}, {3, 1}, {10, 2}, {16, 1}, {17, 1}, {35, 1}})
        if (!tested().slow || H == 3 || H == 17) compare_cached({H, G, 8, 3, 24, rows});
}

TEST_CASE(
    "attention with a cache is exact for runs of rows that begin and end anywhere, with windows and empty intervals") {
    const std::vector<CachedRow> mixed = prompt(2, 0, 18) + prompt(0, 30, 1) + prompt(1, 9, 17, 5) + prompt(0, 31, 3) +
                                         std::vector<CachedRow>{{2, 18, 1}, {2, 19, 25}, {2, 20}};
    for (int group : {1, 2, 5})
        if (!tested().slow || group == 2) compare_cached({group, 1, 16, 3, 40, mixed});
}

TEST_CASE("attention with a cache is exact for prompts longer than a tile, on long contexts, with splits and without") {
    const bool slow = tested().slow;
    const std::vector<CachedRow> rows =
        prompt(0, 7, 1) + prompt(1, slow ? 100 : 190, slow ? 30 : 75, 60) + prompt(0, 52, 16);
    compare_cached({2, 1, 16, 2, 300, rows});
    if (slow) return;
    for (int D : {72, 128, 200}) compare_cached({2, 1, D, 2, 150, prompt(0, 120, 17) + prompt(1, 0, 16, 7)});
    const Cached c = {2, 2, 16, 1, 150, prompt(0, 110, 20)};
    for (const ScoreKind& kind : score_kinds({1, 1, 2, 2, 16}))
        compare(c.name() + ", " + kind.name(),
                [&](const Side& s) { return outputs_of(c, s, score_of(s, c.heads(), kind).score); });
    const Workspace none(0);
    compare_cached(c);
}

TEST_CASE(
    "attention with a cache is exact for head widths between those of kernels, and for those that do not fit 16 "
    "bytes") {
    const std::vector<CachedRow> rows = {{0, 17}, {1, 30, 11}, {1, 31, 12}};
    for (int D : {1, 4, 12, 40, 72, 88, 104, 136, 200, 260})
        if (!tested().slow || D == 12 || D == 72) compare_cached({2, 1, D, 2, 33, rows});
}

TEST_CASE("attention with a cache is exact with each score function") {
    std::vector<Cached> cases = {{2, 1, 16, 2, 150, {{0, 149}, {1, 30, 4}, {1, 31}}}};
    if (!tested().slow) cases.push_back({6, 2, 64, 2, 40, prompt(0, 20, 5) + prompt(1, 3, 1)});
    if (!tested().slow) cases.push_back({2, 1, 5, 2, 40, prompt(0, 20, 2) + prompt(1, 39, 1)});
    for (const Cached& c : cases)
        for (const ScoreKind& kind : score_kinds(c.heads()))
            compare(c.name() + ", " + kind.name(),
                    [&](const Side& s) { return outputs_of(c, s, score_of(s, c.heads(), kind).score); });
}

TEST_CASE("attention with a cache is exact with little workspace or none") {
    const Cached c = {2, 1, 16, 2, 300, {{0, 299}, {1, 200, 150}, {1, 201}}};
    for (const size_t bytes : {size_t(0), size_t(64), size_t(2 * 6 * 18 * 4), size_t(3 * 6 * 18 * 4)}) {
        const Workspace limited(bytes);
        compare_cached(c);
    }
}

TEST_CASE("a row has the same result whatever other rows of its step do") {
    const Side s = {tested().ops, DType::f32, DType::f32};
    const Cached alone = {2, 1, 16, 4, 40, {{3, 17, 2}}};
    const Owned want = std::move(outputs_of(alone, s).front());
    // The same q, k and v for row 0.
    Cached more = alone;
    more.rows = alone.rows + prompt(1, 3, 6) + prompt(0, 39, 1);
    const Owned got = std::move(outputs_of(more, s).front());
    REQUIRE(same_bits(dense(got.slice(0, 1)), dense(want.slice(0, 1))));
}
