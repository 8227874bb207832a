// The score functions of attention on any backend, against the reference: kernels/attention_score.h.
#include "tests/kernels/table/scores.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// One tile and several, with groups and head widths of every kind of kernel.
std::vector<Heads> some_heads() {
    if (tested().slow) return {{2, 5, 3, 1, 3}, {1, 21, 2, 2, 16}};
    return {{1, 1, 1, 1, 1}, {2, 9, 3, 1, 5}, {1, 7, 1, 1, 80}, {1, 67, 2, 1, 16}};
}

std::vector<Mask> some_masks(const Heads& h) {
    std::vector<Mask> some;
    for (Mask& mask : masks(h.B, h.T))
        if (mask.name == (h.T > 20 ? "causal" : "empty in between") || (h.T == 9 && mask.name == "sliding window") ||
            (h.T == 5 && mask.name == "padded, both ways"))
            some.push_back(std::move(mask));
    return some;
}

constexpr double spread = 1.5;  // of q, k and v: scores of several units

void compare_gradients(const Heads& h, const Mask& mask, const ScoreKind& kind) {
    std::map<std::pair<DType, uint64_t>, SavedAttention> of_truth;
    compare(named("attention_backward, " + kind.name(), h, mask.name), [&](const Side& s) {
        const Side truth = s.of_truth();
        const std::pair key(s.source, s.draw);
        if (!of_truth.count(key))
            of_truth.emplace(key, attention_forward(truth, h, mask, qkv_of(truth, h, spread), usual_scale(h),
                                                    score_of(truth, h, kind).score));
        const SavedAttention& saved = of_truth.at(key);
        const SavedAttention given = {s.saved(saved.y), s.saved_statistic(saved.lse)};
        const ScoreOf score = score_of(s, h, kind);
        const bool biased = kind.of == ScoreKind::relative_bias;
        Owned d_bias = s.sum(71, score.tensor.shape);
        Owned d_qkv = attention_backward(s, h, mask, s.in(2, given.y.shape), qkv_of(s, h, spread), given,
                                         usual_scale(h), score.score, biased ? Tensor(d_bias) : Tensor());
        return biased ? outputs(std::move(d_qkv), std::move(d_bias)) : outputs(std::move(d_qkv));
    });
}

}  // namespace

TEST_CASE("attention forward with each score function is as exact as the naive formula") {
    for (const Heads& h : some_heads())
        for (const Mask& mask : some_masks(h))
            for (const ScoreKind& kind : score_kinds(h))
                compare(named("attention_forward, " + kind.name(), h, mask.name), [&](const Side& s) {
                    const ScoreOf score = score_of(s, h, kind);
                    SavedAttention saved =
                        attention_forward(s, h, mask, qkv_of(s, h, spread), usual_scale(h), score.score);
                    return outputs(std::move(saved.y), std::move(saved.lse));
                });
}

// Scores depend on distances in tiles behind the first, and of queries in the second half of a tile.
TEST_CASE(
    "attention with each score function over many tiles of keys, forward and backward, is as exact as the naive "
    "formula") {
    const int Tk = 200, T = tested().slow ? 20 : 70;
    const Heads h = {1, T, 2, 1, 16};
    Mask mask = {"causal", Owned(DType::i32, {1, T}), Owned(DType::i32, {1, T})};
    for (int t = 0; t < T; ++t) {
        put(mask.lo, t, 0);
        put(mask.hi, t, Tk - T + t + 1);
    }
    for (const ScoreKind& kind : {ScoreKind{.of = ScoreKind::soft_cap, .cap = 1.5},
                                  {.of = ScoreKind::alibi},
                                  {.of = ScoreKind::relative_bias, .reach = 150}})
        compare(named("attention, " + kind.name(), h, mask.name),
                [&](const Side& s) {
                    const auto forward = [&](const Side& side) {
                        return attention_forward(
                            side, h, Tk, mask,
                            {side.in(1, {T, h.H * h.D}, spread), side.in(2, {Tk, h.D}, spread), side.in(3, {Tk, h.D})},
                            usual_scale(h), score_of(side, h, kind).score);
                    };
                    const SavedAttention truth = forward(s.of_truth());
                    const SavedAttention given = {s.saved(truth.y), s.saved_statistic(truth.lse)};
                    const Owned q = s.in(1, {T, h.H * h.D}, spread), k = s.in(2, {Tk, h.D}, spread),
                                v = s.in(3, {Tk, h.D}), d_y = s.in(4, q.shape), d_q = s.out(q.shape),
                                d_k = s.out(k.shape), d_v = s.out(v.shape);
                    attention_backward(s, h, Tk, mask, {d_q, d_k, d_v}, d_y, {q, k, v}, given, usual_scale(h),
                                       score_of(s, h, kind).score);
                    SavedAttention saved = forward(s);
                    return outputs(std::move(saved.y), std::move(saved.lse), copy_of(d_q), copy_of(d_k), copy_of(d_v));
                },
                {DType::bf16});
}

TEST_CASE(
    "attention backward with each score function, and the gradient of its bias, are as exact as the naive formula") {
    for (const Heads& h : some_heads())
        for (const Mask& mask : some_masks(h))
            for (const ScoreKind& kind : score_kinds(h)) compare_gradients(h, mask, kind);
}

// Rows of a tile after the last query have no lse; scores of theirs grow with the distance too.
TEST_CASE("attention backward with ALiBi is finite for keys far after the last query") {
    const Side s = {tested().ops, DType::bf16, DType::bf16};
    const Heads h = {1, 5, 1, 1, 16};
    const int Tk = 300;
    Mask mask = {"all", Owned(DType::i32, {1, h.T}), Owned(DType::i32, {1, h.T})};
    for (int t = 0; t < h.T; ++t) put(mask.lo, t, 0), put(mask.hi, t, Tk);
    const Owned slopes = filled(DType::f32, {1}, 1);
    const Owned q = s.in(1, {h.T, h.D}), k = s.in(2, {Tk, h.D}), v = s.in(3, {Tk, h.D}), d_y = s.in(4, q.shape);
    const SavedAttention saved = attention_forward(s, h, Tk, mask, {q, k, v}, 0.3, Alibi{slopes});
    const Owned d_q = s.out(q.shape), d_k = s.out(k.shape), d_v = s.out(v.shape);
    attention_backward(s, h, Tk, mask, {d_q, d_k, d_v}, d_y, {q, k, v}, saved, 0.3, Alibi{slopes});
    for (const Owned* gradient : {&d_q, &d_k, &d_v})
        for (int64_t i = 0; i < gradient->size(); ++i) REQUIRE(std::isfinite(at(*gradient, i)));
}

TEST_CASE("the gradient of a relative bias is the same with little workspace or none, up to rounding") {
    const Side s = {tested().ops, DType::f32, DType::f32};
    const Heads h = {2, 66, 2, 1, 4};
    const Mask mask = std::move(masks(h.B, h.T).front());
    const ScoreOf score = score_of(s, h, {.of = ScoreKind::relative_bias, .reach = 33});
    const Owned qkv = qkv_of(s, h);
    const SavedAttention saved = attention_forward(s, h, mask, qkv, 0.3, score.score);
    const auto d_bias = [&](size_t bytes) {
        const Workspace limited(bytes);
        Owned sums = filled(DType::f32, score.tensor.shape, 1);
        attention_backward(s, h, mask, s.in(2, saved.y.shape), qkv, saved, 0.3, score.score, sums);
        return sums;
    };
    const Owned full = d_bias(1 << 20);
    for (const size_t bytes : {size_t(0), 2 * full.bytes() + 4, 3 * full.bytes()})
        REQUIRE(difference("d_bias", d_bias(bytes), full, 1e-5, 1e-5) == "");
}

TEST_CASE("a relative bias without a wanted gradient has the gradients of q, k and v alone") {
    const Side s = {tested().ops, DType::f32, DType::f32};
    const Heads h = {1, 9, 2, 1, 8};
    const Mask mask = std::move(masks(h.B, h.T).front());
    const ScoreOf score = score_of(s, h, {.of = ScoreKind::relative_bias, .reach = 4});
    const Owned qkv = qkv_of(s, h), d_y = s.in(2, {int64_t(h.B) * h.T, h.H * h.D});
    const SavedAttention saved = attention_forward(s, h, mask, qkv, 0.3, score.score);
    const Owned d_bias = s.sum(3, score.tensor.shape);
    REQUIRE(same_bits(attention_backward(s, h, mask, d_y, qkv, saved, 0.3, score.score),
                      attention_backward(s, h, mask, d_y, qkv, saved, 0.3, score.score, d_bias)));
}
