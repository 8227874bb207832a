// The attention of any table against the truth: head widths, groups and masks that no tile divides.
#include "kernels/attention.h"
#include "tests/kernels/table/attention.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// The cheap shapes are tried under every mask, the others under three.
std::vector<Mask> masks_for(const Heads& h) {
    std::vector<Mask> all = masks(h.B, h.T), some;
    if (h.T < 20 && !tested().slow) return all;
    for (Mask& mask : all)
        if (mask.name == "causal" || mask.name == "padded, both ways" || mask.name == "empty in between")
            some.push_back(std::move(mask));
    return some;
}

}  // namespace

TEST_CASE("attention forward is as exact as the naive formula under every mask") {
    for (const Heads& h : heads())
        for (const Mask& mask : masks_for(h)) compare_attention_forward(h, mask);
}

TEST_CASE("attention backward is as exact as the naive formula under every mask") {
    for (const Heads& h : heads())
        for (const Mask& mask : masks_for(h)) compare_attention_backward(h, mask);
}

TEST_CASE("scores of several hundred do not overflow") {
    const Heads h = {1, tested().slow ? 13 : 75, 1, 1, 16};
    for (const Mask& mask : masks_for(h))
        compare("large scores, " + mask.name, [&](const Side& s) {
            SavedAttention saved = attention_forward(s, h, mask, qkv_of(s, h, 12), 1);
            return outputs(std::move(saved.y), std::move(saved.lse));
        });
}

TEST_CASE("scores far below 0 weigh as they do above it, one key or many") {
    const Heads h = {1, 7, 2, 1, 8};
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

TEST_CASE("attention with a cache is as exact as the naive formula, for rows of several sequences") {
    struct Cached {
        int H, G, D, S, P;
        std::vector<int> sequence, position, lo;
    };
    // Both rows of the sixth have no keys, only their own slots behind: their y is 0.
    std::vector<Cached> cases = {
        {2, 1, 5, 1, 1, {0}, {0}, {0}},     {4, 2, 64, 3, 40, {2, 0, 0, 0, 1}, {30, 4, 5, 6, 39}, {0, 0, 2, 6, 17}},
        {8, 2, 80, 1, 60, {0}, {55}, {30}}, {1, 1, 256, 1, 9, {0, 0}, {7, 8}, {0, 0}},
        {2, 1, 300, 1, 9, {0}, {8}, {1}},   {2, 2, 8, 2, 9, {0, 1}, {3, 8}, {5, 9}}};
    if (!tested().slow) {
        cases.push_back({3, 3, 17, 2, 700, {1, 0}, {699, 256}, {0, 255}});
        cases.push_back({8, 2, 128, 1, 600, {0}, {555}, {300}});
        cases.push_back({3, 1, 96, 2, 30, {1, 1}, {7, 8}, {0, 0}});
        // The longest context ends around the border of a part of 256 keys: 256, 257, 512 and 513 keys.
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
            s.ops.attention_cached({.y = y,
                                    .k_cache = k,
                                    .v_cache = v,
                                    .qkv = qkv,
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
