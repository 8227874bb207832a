// Attention of the CPU backend: splits, waves, and its checks of lo and hi.
#include "tests/kernels/table/attention.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("the CPU's attention is exact with several splits of the keys in backward and several tiles in forward") {
    for (const Heads& h : std::vector<Heads>{{1, 600, 2, 1, 8}, {1, 130, 1, 1, 128}}) {
        compare_attention_forward(h, masks(h.B, h.T).front());
        compare_attention_backward(h, masks(h.B, h.T).front());
    }
}

TEST_CASE("the CPU's attention gives a sequence the same result in any batch") {
    // Enough sequences for several waves.
    const int T = 1024, D = 64;
    const Heads many = {48, T, 1, 1, D}, one = {1, T, 1, 1, D};
    const Mask mask = std::move(masks(many.B, T).front()), alone = std::move(masks(1, T).front());
    const Side s = {cpu_ops(), DType::f32, DType::f32};
    const double scale = 0.125;
    const Owned qkv = qkv_of(s, many), d_y = s.in(2, {int64_t(many.B) * T, D});
    const SavedAttention all = attention_forward(s, many, mask, qkv, scale);
    const Owned d_qkv = attention_backward(s, many, mask, d_y, qkv, all, scale);
    for (int64_t b : {0, 31, 47}) {
        auto rows = [&](const Tensor& t) { return copy_of(t.slice(b * T, T)); };
        const Owned in = rows(qkv);
        const SavedAttention single = attention_forward(s, one, alone, in, scale);
        REQUIRE(same_bits(single.y, rows(all.y)));
        // A single sequence has more splits, whose partial sums are added.
        REQUIRE(difference("d_qkv", attention_backward(s, one, alone, rows(d_y), in, single, scale), rows(d_qkv), 1e-5,
                           1e-5) == "");
    }
}

TEST_CASE("the CPU's attention rejects a key interval that decreases or leaves its sequence") {
    const Side s = {cpu_ops(), DType::f32, DType::f32};
    const Heads h = {1, 3, 1, 1, 2};
    for (const std::vector<int>& hi : std::vector<std::vector<int>>{{2, 1, 3}, {1, 2, 4}}) {
        Mask mask = std::move(masks(1, 3).front());
        for (int t = 0; t < 3; ++t) put(mask.hi, t, hi[size_t(t)]);
        REQUIRE_THROWS_AS(attention_forward(s, h, mask, qkv_of(s, h), 1), InternalError);
    }
}
