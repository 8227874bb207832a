// Cross-entropy of the reference: kernels/cross_entropy.h.
#include <catch2/catch.hpp>

#include "kernels/cross_entropy.h"
#include "tests/kernels/complex_step.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Ops& ops = reference_ops();
const StepValues one = loss_scale(1), half = loss_scale(0.5);

struct Objective {
    double smoothing, z_loss, temperature = 1;
};
const std::vector<Objective> objectives = {{0, 0}, {0.1, 0}, {0, 0.01}, {0.2, 0.05}, {0, 0, 0.7}, {0.2, 0.05, 3}};

struct Outcome {
    Owned stats, loss, lse, log_prob;
};

// Joins the statistics of parts of the vocabulary, as ranks do.
Owned joined(const std::vector<Owned>& parts) {
    Owned all = copy_of(parts[0]);
    for (int64_t n = 0; n < all.rows(); ++n) {
        double max = -INFINITY, sum_exp = 0, target_logit = 0, logit_sum = 0;
        for (const Owned& p : parts) max = std::max(max, at(p, n * 4));
        for (const Owned& p : parts) {
            sum_exp += at(p, n * 4 + 1) * std::exp(at(p, n * 4) - max);
            target_logit += at(p, n * 4 + 2);
            logit_sum += at(p, n * 4 + 3);
        }
        const double values[] = {max, sum_exp, target_logit, logit_sum};
        for (int64_t i = 0; i < 4; ++i) put(all, n * 4 + i, values[i]);
    }
    return all;
}

Owned stats_of(const Tensor& logits, const Tensor& targets, int64_t vocab_offset = 0, double temperature = 1) {
    Owned stats(accumulator_of(logits.dtype), {logits.rows(), 4});
    ops.cross_entropy_stats({.stats = stats,
                             .logits = logits,
                             .targets = targets,
                             .vocab_offset = vocab_offset,
                             .temperature = temperature},
                            {});
    return stats;
}

Outcome forward(Owned stats, const Tensor& targets, int64_t V, Objective o) {
    const Shape n = {stats.rows()};
    const DType t = stats.dtype;
    Outcome out{std::move(stats), Owned(t, n), Owned(t, n), Owned(t, n)};
    ops.cross_entropy_forward({.loss = out.loss,
                               .lse = out.lse,
                               .log_prob = out.log_prob,
                               .stats = out.stats,
                               .targets = targets,
                               .V = V,
                               .smoothing = o.smoothing,
                               .z_loss = o.z_loss},
                              {});
    return out;
}

// Targets with every third one ignored.
Owned targets_of(int64_t N, int64_t V) {
    Owned t = integers(9, {N}, 0, int(V));
    for (int64_t n = 1; n < N; n += 3) put(t, n, -1 - double(n));
    return t;
}

}  // namespace

TEST_CASE("the backward of cross-entropy is the derivative of its forward") {
    constexpr double scale = 1.0 / 3;
    const StepValues values = loss_scale(scale);
    for (Rows r : awkward_rows)
        for (Objective o : objectives) {
            const int64_t N = r.N, V = r.C;
            const Owned targets = targets_of(N, V), logits = random(1, DType::f64, {N, V}, 2);
            const Outcome real = forward(stats_of(logits, targets, 0, o.temperature), targets, V, o);
            const Owned d_logits = copy_of(logits), probe = converted(logits, DType::c128);
            ops.cross_entropy_backward({.logits = d_logits,
                                        .lse = real.lse,
                                        .targets = targets,
                                        .V = V,
                                        .step_values = &values,
                                        .smoothing = o.smoothing,
                                        .z_loss = o.z_loss,
                                        .temperature = o.temperature},
                                       {});
            const Owned weight = filled(DType::f64, {N}, scale);
            const std::string wrong =
                wrong_gradient("cross_entropy", {{"logits", probe, d_logits, scale / o.temperature}}, [&] {
                    return functional(forward(stats_of(probe, targets, 0, o.temperature), targets, V, o).loss, weight);
                });
            REQUIRE(wrong == "");
        }
}

TEST_CASE("with a coefficient per row, the backward is the derivative of the weighted sum of losses") {
    constexpr int64_t N = 7, V = 33;
    const Owned targets = targets_of(N, V), logits = random(1, DType::f64, {N, V}, 2);
    const Owned coefficient = random(3, DType::f64, {N}, 2), probe = converted(logits, DType::c128);
    for (Objective o : objectives) {
        const Owned d_logits = copy_of(logits);
        ops.cross_entropy_backward({.logits = d_logits,
                                    .lse = forward(stats_of(logits, targets, 0, o.temperature), targets, V, o).lse,
                                    .targets = targets,
                                    .coefficient = coefficient,
                                    .V = V,
                                    .step_values = &one,
                                    .smoothing = o.smoothing,
                                    .z_loss = o.z_loss,
                                    .temperature = o.temperature},
                                   {});
        const std::string wrong = wrong_gradient("cross_entropy", {{"logits", probe, d_logits}}, [&] {
            return functional(forward(stats_of(probe, targets, 0, o.temperature), targets, V, o).loss, coefficient);
        });
        REQUIRE(wrong == "");
    }
}

TEST_CASE("the gradient of a policy loss equals that of cross-entropy with the coefficients -dJ/dlog_prob") {
    // J = Σ_n advantage[n] · exp(log_prob[n] − old[n]), the unclipped objective of PPO.
    constexpr int64_t N = 7, V = 33;
    const Owned targets = targets_of(N, V), logits = random(1, DType::f64, {N, V}, 2);
    const Owned advantage = random(3, DType::f64, {N}), old = random(4, DType::f64, {N}, 0.1, -4);
    for (double temperature : {1.0, 0.7}) {
        const auto log_prob = [&](const Tensor& z) {
            return std::move(forward(stats_of(z, targets, 0, temperature), targets, V, {}).log_prob);
        };
        const Outcome real = forward(stats_of(logits, targets, 0, temperature), targets, V, {});
        const Owned d_logits = copy_of(logits), probe = converted(logits, DType::c128);
        const Owned coefficient = made(DType::f64, {N}, [&](int64_t n) {
            return -at(advantage, n) * std::exp(at(real.log_prob, n) - at(old, n));
        });
        ops.cross_entropy_backward({.logits = d_logits,
                                    .lse = real.lse,
                                    .targets = targets,
                                    .coefficient = coefficient,
                                    .V = V,
                                    .step_values = &one,
                                    .temperature = temperature},
                                   {});
        const std::string wrong = wrong_gradient("policy loss", {{"logits", probe, d_logits}}, [&] {
            const Owned now = log_prob(probe);
            c128 objective = 0;
            for (int64_t n = 0; n < N; ++n) objective += at(advantage, n) * std::exp(now.as<c128>()[n] - at(old, n));
            return objective;
        });
        REQUIRE(wrong == "");
    }
}

TEST_CASE("log_prob is the log of the softmax at the target, without smoothing or z-loss, and 0 for ignored targets") {
    constexpr int64_t N = 7, V = 33;
    const Owned targets = targets_of(N, V), logits = random(1, DType::f64, {N, V}, 2);
    for (Objective o : objectives) {
        const Outcome got = forward(stats_of(logits, targets, 0, o.temperature), targets, V, o);
        const Owned want = made(DType::f64, {N}, [&](int64_t n) {
            if (at(targets, n) < 0) return 0.0;
            double sum = 0;
            for (int64_t v = 0; v < V; ++v) sum += std::exp(at(logits, n * V + v) / o.temperature);
            return std::log(std::exp(at(logits, n * V + int64_t(at(targets, n))) / o.temperature) / sum);
        });
        REQUIRE(difference("cross_entropy_forward log_prob", got.log_prob, want, 1e-14, 1e-14) == "");
    }
}

TEST_CASE("the loss is the negative log of the target's probability, smoothed over all classes") {
    constexpr int64_t N = 7, V = 33;
    const Owned targets = integers(2, {N}, 0, V), logits = random(1, DType::f64, {N, V}, 2);
    for (Objective o : objectives) {
        const Outcome got = forward(stats_of(logits, targets, 0, o.temperature), targets, V, o);
        Owned want(DType::f64, {N});
        for (int64_t n = 0; n < N; ++n) {
            double total = 0, uniform = 0;
            auto weight = [&](int64_t v) { return std::exp(at(logits, n * V + v) / o.temperature); };
            for (int64_t v = 0; v < V; ++v) total += weight(v);
            auto surprise = [&](int64_t v) { return -std::log(weight(v) / total); };
            for (int64_t v = 0; v < V; ++v) uniform += surprise(v) / double(V);
            put(want, n,
                (1 - o.smoothing) * surprise(int64_t(at(targets, n))) + o.smoothing * uniform +
                    o.z_loss * std::log(total) * std::log(total));
        }
        REQUIRE(difference("cross_entropy_forward loss", got.loss, want, 1e-14, 1e-14) == "");
    }
}

TEST_CASE("equal logits have the loss log V, and logits of ten thousand do not overflow") {
    constexpr int64_t V = 50;
    const Owned targets = filled(DType::i32, {1}, 7), logits = filled(DType::f32, {1, V}, 1e4);
    REQUIRE(std::abs(at(forward(stats_of(logits, targets), targets, V, {}).loss, 0) - std::log(50.0)) <= 2e-3);
    put(logits, 7, -1e4);
    REQUIRE(std::abs(at(forward(stats_of(logits, targets), targets, V, {}).loss, 0) - (2e4 + std::log(49.0))) <= 4e-3);
}

TEST_CASE("an ignored target has loss 0 and gradient 0, for any logits") {
    constexpr int64_t V = 5;
    const Owned targets = filled(DType::i32, {2}, -100), logits = random(1, DType::f64, {2, V});
    const Outcome o = forward(stats_of(logits, targets), targets, V, {0.1, 0.1});
    ops.cross_entropy_backward({.logits = logits,
                                .lse = o.lse,
                                .targets = targets,
                                .V = V,
                                .step_values = &one,
                                .smoothing = 0.1,
                                .z_loss = 0.1},
                               {});
    for (int64_t n = 0; n < 2; ++n) REQUIRE(at(o.loss, n) == 0);
    for (int64_t i = 0; i < logits.size(); ++i) REQUIRE(at(logits, i) == 0);
}

TEST_CASE("the gradient of a row sums to 0 without a z-loss") {
    constexpr int64_t N = 7, V = 33;
    const Owned targets = integers(2, {N}, 0, V), logits = random(1, DType::f64, {N, V}, 2);
    const Outcome o = forward(stats_of(logits, targets), targets, V, {0.1, 0});
    ops.cross_entropy_backward(
        {.logits = logits, .lse = o.lse, .targets = targets, .V = V, .step_values = &one, .smoothing = 0.1}, {});
    for (int64_t n = 0; n < N; ++n) {
        double sum = 0;
        for (int64_t v = 0; v < V; ++v) sum += at(logits, n * V + v);
        REQUIRE(std::abs(sum) <= 1e-15);
    }
}

TEST_CASE("a vocabulary in two parts gives the same loss and gradient as in one") {
    constexpr int64_t N = 7, V = 33, cut = 10;
    const Owned targets = targets_of(N, V), logits = random(1, DType::f64, {N, V}, 2);
    std::vector<Owned> parts, part_stats;
    for (int64_t first : {int64_t(0), cut}) {
        const int64_t width = first ? V - cut : cut;
        parts.emplace_back(DType::f64, Shape{N, width});
        for (int64_t i = 0; i < N * width; ++i) put(parts.back(), i, at(logits, i / width * V + first + i % width));
        part_stats.push_back(stats_of(parts.back(), targets, first));
    }
    for (Objective objective : objectives) {
        const Outcome whole = forward(stats_of(logits, targets), targets, V, objective);
        const Outcome split = forward(joined(part_stats), targets, V, objective);
        REQUIRE(difference("cross_entropy_stats", split.stats, whole.stats, 1e-15, 1e-14) == "");
        REQUIRE(difference("cross_entropy_forward loss", split.loss, whole.loss, 1e-14, 1e-14) == "");

        auto backward = [&](const Tensor& z, int64_t first) {
            Owned d = copy_of(z);
            ops.cross_entropy_backward({.logits = d,
                                        .lse = whole.lse,
                                        .targets = targets,
                                        .V = V,
                                        .vocab_offset = first,
                                        .step_values = &half,
                                        .smoothing = objective.smoothing,
                                        .z_loss = objective.z_loss},
                                       {});
            return d;
        };
        const Owned d_logits = backward(logits, 0), d_low = backward(parts[0], 0), d_high = backward(parts[1], cut);
        for (int64_t n = 0; n < N; ++n)
            for (int64_t v = 0; v < V; ++v)
                REQUIRE(at(d_logits, n * V + v) ==
                        (v < cut ? at(d_low, n * cut + v) : at(d_high, n * (V - cut) + v - cut)));
    }
}

TEST_CASE("the reference rejects a target outside the vocabulary") {
    const Owned targets = filled(DType::i32, {1}, 5), logits = random(1, DType::f64, {1, 5});
    REQUIRE_THROWS_WITH(forward(stats_of(logits, targets), targets, 5, {}),
                        Catch::Contains("target 5 is not in [0, 5)"));
}
