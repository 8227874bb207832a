// The CPU's attention against the truth: head widths, groups and masks that no tile divides.
#include <map>

#include "tests/kernels/cpu_compare.h"

using namespace gradus;
using namespace gradus::test;

namespace {

std::string named(const Heads& h, const std::string& mask) {
    return mask + " B=" + std::to_string(h.B) + " T=" + std::to_string(h.T) + " H=" + std::to_string(h.H) +
           " G=" + std::to_string(h.G) + " D=" + std::to_string(h.D);
}

// Beside the small ones: several query and key tiles, the last of them ragged, and the two head widths of most models. The
// last is long enough for backward to cut it into stretches; one mask is enough there.
std::vector<Heads> shapes() {
    std::vector<Heads> all = awkward_heads;
    for (const Heads& h :
         std::vector<Heads>{{1, 61, 2, 1, 64}, {1, 97, 2, 1, 20}, {1, 130, 1, 1, 128}, {1, 600, 2, 1, 8}})
        all.push_back(h);
    return all;
}

std::vector<Mask> masks_for(const Heads& h) {
    std::vector<Mask> all = masks(h.B, h.T);
    if (h.T > 500) all.erase(all.begin() + 1, all.end());
    return all;
}

struct Saved {
    Owned y, lse;
};

Saved forward(const Side& s, const Heads& h, const Mask& mask, const Owned& qkv, double scale) {
    const int64_t N = int64_t(h.B) * h.T;
    Saved saved = {s.out({N, h.H * h.D}), s.statistic({h.B, h.H, h.T})};
    s.ops.attention_forward({.y = saved.y,
                             .lse = saved.lse,
                             .qkv = qkv,
                             .lo = mask.lo,
                             .hi = mask.hi,
                             .B = h.B,
                             .T = h.T,
                             .H = h.H,
                             .G = h.G,
                             .D = h.D,
                             .scale = scale},
                            {});
    return saved;
}

Owned backward(const Side& s, const Heads& h, const Mask& mask, const Tensor& d_y, const Tensor& qkv,
               const Saved& saved, double scale) {
    Owned d_qkv = s.out(qkv.shape);
    const Owned delta = s.statistic(saved.lse.shape);
    s.ops.attention_backward({.d_qkv = d_qkv,
                              .delta = delta,
                              .d_y = d_y,
                              .qkv = qkv,
                              .y = saved.y,
                              .lse = saved.lse,
                              .lo = mask.lo,
                              .hi = mask.hi,
                              .B = h.B,
                              .T = h.T,
                              .H = h.H,
                              .G = h.G,
                              .D = h.D,
                              .scale = scale},
                             {});
    return d_qkv;
}

Owned qkv_of(const Side& s, const Heads& h, double spread = 1) {
    return s.in(1, {int64_t(h.B) * h.T, (h.H + 2 * h.G) * h.D}, spread);
}

}  // namespace

TEST_CASE("the CPU's attention forward is as exact as the naive formula under every mask") {
    for (const Heads& h : shapes())
        for (const Mask& mask : masks_for(h))
            compare("attention_forward " + named(h, mask.name), [&](const Side& s) {
                Saved saved = forward(s, h, mask, qkv_of(s, h), 1 / std::sqrt(double(h.D)));
                return outputs(std::move(saved.y), std::move(saved.lse));
            });
}

TEST_CASE("the CPU's attention backward is as exact as the naive formula under every mask") {
    for (const Heads& h : shapes())
        for (const Mask& mask : masks_for(h)) {
            std::map<std::pair<DType, uint64_t>, Saved> of_truth;
            compare("attention_backward " + named(h, mask.name), [&](const Side& s) {
                const double scale = 1 / std::sqrt(double(h.D));
                const Side truth = s.of_truth();
                const std::pair key(s.source, s.draw);
                if (!of_truth.count(key)) of_truth.emplace(key, forward(truth, h, mask, qkv_of(truth, h), scale));
                const Saved& saved = of_truth.at(key);
                const Saved given = {s.saved(saved.y), s.saved_statistic(saved.lse)};
                return outputs(backward(s, h, mask, s.in(2, given.y.shape), qkv_of(s, h), given, scale));
            });
        }
}

TEST_CASE("the CPU's attention takes scores of several hundred without overflow") {
    const Heads h = {1, 150, 1, 1, 16};
    for (const Mask& mask : masks(h.B, h.T))
        compare("large scores, " + mask.name, [&](const Side& s) {
            Saved saved = forward(s, h, mask, qkv_of(s, h, 12), 1);
            return outputs(std::move(saved.y), std::move(saved.lse));
        });
}

TEST_CASE("the CPU's attention with a cache is as exact as the naive formula, for rows of several sequences") {
    struct Cached {
        int H, G, D, S, P;
        std::vector<int> sequence, position, lo;
    };
    std::vector<Cached> cases = {{2, 1, 5, 1, 1, {0}, {0}, {0}},
                                 {4, 2, 64, 3, 40, {2, 0, 0, 0, 1}, {30, 4, 5, 6, 39}, {0, 0, 2, 6, 17}},
                                 {3, 3, 17, 2, 700, {1, 0}, {699, 256}, {0, 255}},
                                 {8, 2, 128, 1, 600, {0}, {555}, {300}},
                                 {2, 2, 8, 2, 9, {0, 1}, {3, 8}, {5, 9}}};
    cases.push_back({2, 1, 16, 1, 90, {}, {}, {}});
    for (int n = 0; n < 90; ++n) {
        cases.back().sequence.push_back(0);
        cases.back().position.push_back(n);
        cases.back().lo.push_back(std::max(0, n - 40));
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

TEST_CASE("a sequence gets from the CPU's attention what it gets alone, however many come with it") {
    // So many that their packed keys are not held at once.
    const int T = 1024, D = 64;
    const Heads many = {48, T, 1, 1, D}, one = {1, T, 1, 1, D};
    const Mask mask = std::move(masks(many.B, T).front()), alone = std::move(masks(1, T).front());
    const Side s = {cpu_ops(), DType::f32, DType::f32};
    const double scale = 0.125;
    const Owned qkv = qkv_of(s, many), d_y = s.in(2, {int64_t(many.B) * T, D});
    const Saved all = forward(s, many, mask, qkv, scale);
    const Owned d_qkv = backward(s, many, mask, d_y, qkv, all, scale);
    for (int64_t b : {0, 31, 47}) {
        auto rows = [&](const Tensor& t) { return copy_of(t.slice(b * T, T)); };
        const Owned in = rows(qkv);
        const Saved single = forward(s, one, alone, in, scale);
        REQUIRE(same_bits(single.y, rows(all.y)));
        // A sequence alone is cut into more stretches, whose sums are added.
        REQUIRE(difference("d_qkv", backward(s, one, alone, rows(d_y), in, single, scale), rows(d_qkv), 1e-5, 1e-5) ==
                "");
    }
}

TEST_CASE("a key interval that decreases or leaves its sequence is a broken promise on the CPU") {
    const Side s = {cpu_ops(), DType::f32, DType::f32};
    const Heads h = {1, 3, 1, 1, 2};
    for (const std::vector<int>& hi : std::vector<std::vector<int>>{{2, 1, 3}, {1, 2, 4}}) {
        Mask mask = std::move(masks(1, 3).front());
        for (int t = 0; t < 3; ++t) put(mask.hi, t, hi[size_t(t)]);
        REQUIRE_THROWS_AS(forward(s, h, mask, qkv_of(s, h), 1), BrokenPromise);
    }
}
