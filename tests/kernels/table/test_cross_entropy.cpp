// Cross-entropy of any backend against the reference.
#include "kernels/cross_entropy.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/shapes.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Objective {
    double smoothing, z_loss, temperature = 1;
};
const std::vector<Objective> objectives = {{0, 0}, {0.1, 0.01}, {0.1, 0.01, 0.7}};

const StepValues values = loss_scale(0.7);

// Some targets are −1 (ignored), some inside and some outside the part of the vocabulary that these logits cover.
Owned targets_of(int64_t N, int64_t V) { return integers(9, {N}, -1, int(V)); }

struct Logits {
    int64_t N, Vr, first, V;
};

std::vector<Logits> logits() {
    std::vector<Logits> all = {{1, 1, 0, 1}, {3, 7, 0, 7}, {5, 33, 20, 80}};
    if (tested().slow) all.push_back({9, 1031, 0, 1031});
    else all.insert(all.end(), {{9, 5000, 0, 5000}, {40, 257, 0, 257}});
    return all;
}

// The four statistics as separate outputs: the sum is a thousand times as large as the others.
Outputs columns_of(const Tensor& stats) {
    Outputs each;
    for (int64_t k = 0; k < 4; ++k) {
        each.emplace_back(stats.dtype, Shape{stats.rows()});
        for (int64_t n = 0; n < stats.rows(); ++n) put(each.back(), n, at(stats, n * 4 + k));
    }
    return each;
}

}  // namespace

TEST_CASE("the statistics of logits are as exact as the naive formula, large logits included") {
    for (const Logits& l : logits())
        for (auto [spread, temperature] : std::vector<std::pair<double, double>>{{1, 1}, {200, 1}, {200, 0.7}})
            compare("cross_entropy_stats", [=, spread = spread, temperature = temperature](const Side& s) {
                const Owned z = s.in(1, {l.N, l.Vr}, spread), targets = targets_of(l.N, l.V),
                            stats = s.statistic({l.N, 4});
                s.ops.cross_entropy_stats({.stats = stats,
                                           .logits = z,
                                           .targets = targets,
                                           .vocab_offset = l.first,
                                           .temperature = temperature},
                                          {});
                return columns_of(stats);
            });
}

TEST_CASE("logits of a padded vocabulary give the same bits as without padding, and the padding is not accessed") {
    for (DType t : {DType::f32, DType::bf16}) {
        const Owned z = random(1, t, {5, 300}, 3), targets = integers(3, {5}, -1, 300);
        const Owned stats = poisoned(DType::f32, {5, 4}), of_padded = poisoned(DType::f32, {5, 4});
        const WithGaps unread = with_gaps(z, NAN, 0, 13), unwritten = with_gaps(z, 7.5, 0, 13);
        const Ops& ops = tested().ops;
        ops.cross_entropy_stats({.stats = stats, .logits = z, .targets = targets}, {});
        ops.cross_entropy_stats({.stats = of_padded, .logits = unread.view(), .targets = targets}, {});
        REQUIRE(same_bits(of_padded, stats));
        const Owned lse = random(2, DType::f32, {5});
        for (const Tensor& logits : {Tensor(z), unwritten.view()})
            ops.cross_entropy_backward(
                {.logits = logits, .lse = lse, .targets = targets, .V = 300, .step_values = &values}, {});
        REQUIRE(same_bits(unwritten.whole, with_gaps(z, 7.5, 0, 13).whole));
    }
}

TEST_CASE("logits of minus infinity have probability 0 at any position") {
    for (int64_t V : {int64_t(5), int64_t(5000)})
        for (int64_t from : {int64_t(0), V / 2}) {
            const Owned z = random(1, DType::f32, {1, V}), targets = integers(1, {1}, 0, 1),
                        stats = poisoned(DType::f32, {1, 4});
            double total = 0, top = -INFINITY;
            for (int64_t v = 0; v < V; ++v) {
                if (v >= from && v < from + V / 2) put(z, v, -INFINITY);
                else top = std::max(top, at(z, v));
            }
            for (int64_t v = 0; v < V; ++v) total += std::exp(at(z, v) - top);
            tested().ops.cross_entropy_stats({.stats = stats, .logits = z, .targets = targets}, {});
            REQUIRE(at(stats, 0) == top);
            REQUIRE(std::abs(at(stats, 1) - total) <= 1e-5 * total);
        }
}

TEST_CASE("a NaN logit makes the loss NaN") {
    const Owned z = random(1, DType::f32, {1, 3000}), targets = integers(1, {1}, 0, 1),
                stats = poisoned(DType::f32, {1, 4});
    const Owned loss = filled(DType::f32, {1}, 0), lse = filled(DType::f32, {1}, 0);
    put(z, 2500, NAN);
    tested().ops.cross_entropy_stats({.stats = stats, .logits = z, .targets = targets}, {});
    tested().ops.cross_entropy_forward({.loss = loss, .lse = lse, .stats = stats, .targets = targets, .V = 3000}, {});
    REQUIRE(std::isnan(at(loss, 0)));
}

TEST_CASE("the statistics of several ranks, or of one, join as exactly as in the naive formula") {
    for (int64_t R : {1, 2, 5})
        for (int64_t N : {int64_t(1), int64_t(7), int64_t(tested().slow ? 40 : 300)})
            compare("cross_entropy_join of " + std::to_string(R), [=](const Side& s) {
                const Owned parts = s.sum(1, {R * N, 4}, 3, 2), stats = s.statistic({N, 4});
                for (int64_t n = 0; n < R * N; ++n) put(parts, n * 4 + 1, 1 + std::abs(at(parts, n * 4 + 1)));
                s.ops.cross_entropy_join({.stats = stats, .parts = parts}, {});
                return columns_of(stats);
            });
}

TEST_CASE("a rank whose logits are all minus infinity does not change the joined statistics") {
    const Owned parts(DType::f32, {2, 4}), stats = poisoned(DType::f32, {1, 4});
    int64_t i = 0;
    for (double x : {-double(INFINITY), double(NAN), 0.0, -double(INFINITY), 2.0, 3.0, 1.0, 5.0}) put(parts, i++, x);
    put(parts, 1, 0);
    tested().ops.cross_entropy_join({.stats = stats, .parts = parts}, {});
    REQUIRE(at(stats, 0) == 2);
    REQUIRE(at(stats, 1) == 3);
    REQUIRE(at(stats, 2) == 1);
}

TEST_CASE("the losses are as exact as the naive formula") {
    for (const Objective& o : objectives)
        for (int64_t N : {1, 7, tested().slow ? 60 : 1500})
            compare("cross_entropy_forward", [=](const Side& s) {
                const Owned stats = s.give(random(1, DType::f32, {N, 4}, 0.3, 3), s.accumulator()),
                            targets = targets_of(N, 90);
                const Owned loss = s.statistic({N}), lse = s.statistic({N}), log_prob = s.statistic({N});
                s.ops.cross_entropy_forward({.loss = loss,
                                             .lse = lse,
                                             .log_prob = log_prob,
                                             .stats = stats,
                                             .targets = targets,
                                             .V = 90,
                                             .smoothing = o.smoothing,
                                             .z_loss = o.z_loss},
                                            {});
                return outputs(copy_of(loss), copy_of(lse), copy_of(log_prob));
            });
}

TEST_CASE("the gradients of logits are as exact as the naive formula, and overwrite the logits") {
    for (const Logits& l : logits())
        for (const Objective& o : objectives)
            compare("cross_entropy_backward", [=](const Side& s) {
                const Owned z = s.in(1, {l.N, l.Vr}), lse = s.sum(2, {l.N}, 0.5, 4), targets = targets_of(l.N, l.V);
                const Owned coefficient = s.sum(3, {l.N});
                s.ops.cross_entropy_backward({.logits = z,
                                              .lse = lse,
                                              .targets = targets,
                                              .coefficient = when(o.temperature != 1, coefficient),
                                              .V = l.V,
                                              .vocab_offset = l.first,
                                              .step_values = &values,
                                              .smoothing = o.smoothing,
                                              .z_loss = o.z_loss,
                                              .temperature = o.temperature},
                                             {});
                return outputs(copy_of(z));
            });
}

// Runs cross_entropy, whose outputs are the gradient and three numbers per row.
struct OneOp {
    Owned loss, lse, log_prob;

    OneOp(const Side& s, const Tensor& z, const Tensor& targets, const Objective& o, const Opt& coefficient = {})
        : loss(s.statistic({z.rows()})), lse(s.statistic({z.rows()})), log_prob(s.statistic({z.rows()})) {
        s.ops.cross_entropy({.logits = z,
                             .loss = loss,
                             .lse = lse,
                             .log_prob = log_prob,
                             .targets = targets,
                             .coefficient = coefficient,
                             .scale = 1.5,
                             .step_values = &values,
                             .smoothing = o.smoothing,
                             .z_loss = o.z_loss,
                             .temperature = o.temperature},
                            {});
    }
};

TEST_CASE("losses and gradients in one op are as exact as the naive formulas") {
    for (auto [N, V] :
         std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {3, 7}, {31, 257}, {4, 1031}, {4, 1032}, {2, 4105}})
        for (const Objective& o : objectives)
            compare("cross_entropy", [=, N = N, V = V](const Side& s) {
                const Owned z = s.in(1, {N, V}, 2), targets = targets_of(N, V), coefficient = s.sum(3, {N});
                OneOp of(s, z, targets, o, when(o.temperature != 1, coefficient));
                return outputs(copy_of(z), std::move(of.loss), std::move(of.lse), std::move(of.log_prob));
            });
}

TEST_CASE("a row of logits may be longer than the shared memory of a GPU") {
    const int64_t V = 60008;
    compare("cross_entropy of long rows", [=](const Side& s) {
        const Owned z = s.in(1, {5, V}), targets = integers(9, {5}, V / 2, int(V));
        // Coefficients, or the few large gradients would all be exact by chance.
        const OneOp of(s, z, targets, {0.1, 0.01, 0.7}, s.sum(3, {5}));
        const OneOp true_loss(s.of_truth(), s.of_truth().in(1, {5, V}), targets, {0.1, 0.01, 0.7});
        if (!s.lost) REQUIRE(difference("loss", of.loss, true_loss.loss, 1e-5, 0) == "");
        return outputs(copy_of(z));
    });
}

TEST_CASE("in one op, padding changes no bit of losses and gradients, and is not accessed") {
    for (DType t : {DType::f32, DType::bf16})
        for (int64_t V : {int64_t(3), int64_t(300), int64_t(4129)})
            for (int gap : {0, 13, int(8 - V % 8)}) {  // the last one aligns the rows to 16 bytes
                const Side s = {tested().ops, t, t};
                const Owned z = random(1, t, {5, V}, 3), targets = integers(3, {5}, -1, int(V));
                const WithGaps unwritten = with_gaps(z, 7.5, gap == 13, gap),
                               unread = with_gaps(z, NAN, gap == 13, gap);
                const OneOp plain(s, z, targets, {0.1}), padded(s, unwritten.view(), targets, {0.1}),
                    poisoned_gaps(s, unread.view(), targets, {0.1});
                REQUIRE(same_bits(padded.loss, plain.loss));
                REQUIRE(same_bits(poisoned_gaps.loss, plain.loss));
                REQUIRE(same_bits(padded.log_prob, plain.log_prob));
                REQUIRE(same_bits(unwritten.whole, with_gaps(z, 7.5, gap == 13, gap).whole));
            }
}

TEST_CASE("in one op, ignored rows and rows of coefficient 0 have gradients of exactly 0, for any logits") {
    for (DType t : {DType::f32, DType::bf16})
        for (double bad : {double(NAN), double(INFINITY), -double(INFINITY)}) {
            const int64_t V = 41;
            const Side s = {tested().ops, t, t};
            const Owned z = random(1, t, {4, V}), targets = integers(3, {4}, 0, int(V));
            const Owned coefficient = made(DType::f32, {4}, [](int64_t n) { return n == 1 ? 0 : 2.5; });
            put(targets, 2, -5);
            for (int64_t n : {1, 2})
                for (int64_t v = 0; v < V; ++v) put(z, n * V + v, v % 2 ? bad : at(z, n * V + v));
            const OneOp of(s, z, targets, {0.1, 0.01}, coefficient);
            for (int64_t i = 0; i < z.size(); ++i) {
                REQUIRE(std::isfinite(at(z, i)));
                REQUIRE((at(z, i) == 0) == (i / V == 1 || i / V == 2));
            }
            REQUIRE(at(of.loss, 2) == 0);
            REQUIRE(at(of.log_prob, 2) == 0);
            REQUIRE(std::isfinite(at(of.loss, 3)));
        }
}

TEST_CASE("in one op, logits of minus infinity have probability 0, and a NaN makes the loss NaN") {
    for (DType t : {DType::f32, DType::bf16})
        for (int64_t V : {int64_t(5), int64_t(5000)}) {
            const Side s = {tested().ops, t, t};
            const Owned whole = random(1, t, {1, 3 * V}), some(t, {1, V}), target = integers(1, {1}, 0, 1);
            for (int64_t v = 0; v < 3 * V; ++v)
                if (v % 3 == 0) put(some, v / 3, at(whole, v));
                else put(whole, v, -INFINITY);
            const OneOp few(s, some, target, {}), all(s, whole, target, {});
            REQUIRE(std::abs(at(all.loss, 0) - at(few.loss, 0)) <= 1e-5 * at(few.loss, 0));
            for (int64_t v = 0; v < 3 * V; ++v)
                if (v % 3) REQUIRE(at(whole, v) == 0);

            put(some, V - 1, NAN);
            REQUIRE(std::isnan(at(OneOp(s, some, target, {}).loss, 0)));
        }
}

TEST_CASE("a row whose coefficient is 0 gets a gradient of exactly 0, even for NaN logits") {
    for (DType t : {DType::f32, DType::bf16}) {
        const Owned z = random(1, t, {3, 40}), lse = random(2, DType::f32, {3}), targets = integers(3, {3}, 0, 40);
        const Owned coefficient = made(DType::f32, {3}, [](int64_t n) { return n == 1 ? 0 : 2.5; });
        put(z, 40, INFINITY);
        put(z, 41, NAN);
        tested().ops.cross_entropy_backward(
            {.logits = z, .lse = lse, .targets = targets, .coefficient = coefficient, .V = 40, .scale = 0.3}, {});
        for (int64_t i = 0; i < z.size(); ++i) {
            REQUIRE(std::isfinite(at(z, i)));
            REQUIRE((at(z, i) == 0) == (i / 40 == 1));
        }
    }
}

TEST_CASE("the scale of a call multiplies the loss scale of the step, and both are optional") {
    const Owned lse = random(2, DType::f32, {5}), targets = integers(3, {5}, -1, 300);
    const Ops& ops = tested().ops;
    const StepValues half = loss_scale(0.5), one = loss_scale(1);
    std::vector<Owned> all;
    for (const auto& [scale, step_values] :
         std::vector<std::pair<double, const StepValues*>>{{0.25, nullptr}, {0.25, &one}, {0.5, &half}}) {
        all.push_back(random(1, DType::f32, {5, 300}));
        ops.cross_entropy_backward({.logits = all.back(),
                                    .lse = lse,
                                    .targets = targets,
                                    .V = 300,
                                    .scale = scale,
                                    .step_values = step_values},
                                   {});
    }
    REQUIRE(same_bits(all[0], all[1]));
    REQUIRE(same_bits(all[0], all[2]));
}

TEST_CASE("a coefficient of 1 in every row, and a temperature of 1, change no bit of the gradients") {
    const Owned lse = random(2, DType::f32, {5}), targets = integers(3, {5}, -1, 300), one = filled(DType::f32, {5}, 1);
    const Owned plain = random(1, DType::f32, {5, 300}), weighted = copy_of(plain);
    tested().ops.cross_entropy_backward(
        {.logits = plain, .lse = lse, .targets = targets, .V = 300, .step_values = &values}, {});
    tested().ops.cross_entropy_backward({.logits = weighted,
                                         .lse = lse,
                                         .targets = targets,
                                         .coefficient = one,
                                         .V = 300,
                                         .step_values = &values,
                                         .temperature = 1},
                                        {});
    REQUIRE(same_bits(plain, weighted));
}
