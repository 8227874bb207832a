// The next token from a row of logits. The filters themselves are tested where the op is (tests/kernels/table/test_sampling.cpp).
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "engine/base/error.h"
#include "engine/generate/sampler.h"
#include "kernels/ops.h"

using namespace gradus;

namespace {

std::vector<float> random_logits(int V, unsigned seed) {
    std::mt19937 rng(seed);
    std::normal_distribution<float> normal(0, 3);
    std::vector<float> logits(static_cast<size_t>(V));
    for (float& x : logits) x = normal(rng);
    return logits;
}

std::string refusal(const Sampling& s) {
    try {
        validate(s);
    } catch (const Error& e) { return e.what(); }
    return "";
}

}  // namespace

TEST_CASE("temperature 0 takes the largest logit, and the lowest id among equals") {
    Sampler greedy({.temperature = 0});
    std::vector<float> logits = {-1, 4, 2, 4, 3};
    REQUIRE(greedy.pick(logits, {}, 0, 0) == 1);
    logits[4] = 5;
    REQUIRE(greedy.pick(logits, {}, 0, 0) == 4);
}

TEST_CASE("the repetition penalty divides positive logits and multiplies negative ones of the ids seen") {
    std::vector<float> logits = {2, -2, 0, 6, -6};
    const std::vector<int32_t> seen = {0, 1, 2};
    penalise(logits, seen, 4);
    REQUIRE(logits == std::vector<float>{0.5, -8, 0, 6, -6});

    std::vector<float> tempting = {5, 4, -1};
    REQUIRE(Sampler({.temperature = 0, .repetition_penalty = 2}).pick(tempting, std::vector<int32_t>{0}, 0, 0) == 1);
}

TEST_CASE("the CPU's op draws the sampler's ids, whatever is set and however the vocabulary is sliced") {
    const std::vector<Sampling> settings = {
        {},
        {.temperature = 0, .repetition_penalty = 1.3},
        {.temperature = 0.5},
        {.temperature = 3},
        {.top_k = 1},
        {.top_k = 7, .repetition_penalty = 0.7},
        {.top_k = 1000},
        {.top_p = 0},
        {.top_p = 0.3},
        {.top_p = 0.95, .repetition_penalty = 1.1},
        {.temperature = 2, .top_p = 0.999},
        {.min_p = 0.05},
        {.min_p = 1},
        {.temperature = 1.3, .top_k = 40, .top_p = 0.9, .min_p = 0.02, .repetition_penalty = 1.2, .seed = 5},
        {.temperature = 0.7, .top_k = 5, .top_p = 0.5, .min_p = 0.3},
    };
    const std::vector<int32_t> seen = {0, 1};
    for (int V : {2, 50, 3000})
        for (int R : {1, 3})
            for (const Sampling& s : settings) {
                const int k = 40, Vr = (V + R - 1) / R;
                std::vector<float> logits(size_t(R * k * Vr), std::nanf("")), workspace(size_t(sample_workspace(k, V))),
                    log_probs(k);
                std::vector<int32_t> want, got(k), streams, positions, offsets = {0}, all_seen;
                Sampler sampler(s);
                for (int n = 0; n < k; ++n) {
                    std::vector<float> row = random_logits(V, unsigned(n));
                    if (n % 4 == 0)  // with ties
                        for (float& x : row) x = std::round(x);
                    for (int v = 0; v < V; ++v) logits[size_t((v / Vr * k + n) * Vr + v % Vr)] = row[size_t(v)];
                    const uint64_t stream = uint64_t(n) * 0x123456789abcdef;
                    want.push_back(sampler.pick(row, seen, stream, uint64_t(n * n)));
                    streams.insert(streams.end(), {int32_t(stream), int32_t(stream >> 32)});
                    positions.push_back(n * n);
                    all_seen.insert(all_seen.end(), seen.begin(), seen.end());
                    offsets.push_back(int32_t(all_seen.size()));
                }
                const auto i32 = [](std::vector<int32_t>& x, const Shape& shape) {
                    return Tensor{x.data(), DType::i32, shape};
                };
                cpu_ops().sample({.ids = i32(got, {k}),
                                  .log_probs = Tensor{log_probs.data(), DType::f32, {k}},
                                  .workspace = Tensor{workspace.data(), DType::f32, {sample_workspace(k, V)}},
                                  .logits = Tensor{logits.data(), DType::f32, {R, k, Vr}},
                                  .streams = i32(streams, {k, 2}),
                                  .positions = i32(positions, {k}),
                                  .seen_offsets = i32(offsets, {k + 1}),
                                  .seen = i32(all_seen, {2 * k}),
                                  .temperature = s.temperature,
                                  .top_k = s.top_k,
                                  .top_p = s.top_p,
                                  .min_p = s.min_p,
                                  .repetition_penalty = s.repetition_penalty,
                                  .seed = s.seed,
                                  .V = V},
                                 {});
                INFO("V " << V << ", temperature " << s.temperature << ", top-k " << s.top_k << ", top-p " << s.top_p
                          << ", min-p " << s.min_p);
                REQUIRE(got == want);
            }
}

TEST_CASE("ids of probability zero are never drawn") {
    const float never = -std::numeric_limits<float>::infinity();
    Sampler sampler({.temperature = 1e-3});
    for (uint64_t position = 0; position < 200; ++position) {
        std::vector<float> logits = {never, 0, never, 0, never};
        const int32_t id = sampler.pick(logits, {}, 0, position);
        REQUIRE((id == 1 || id == 3));
    }
}

TEST_CASE("draws follow the probabilities of the model") {
    const std::vector<double> p = {0.4, 0.25, 0.15, 0.1, 0.05, 0.03, 0.015, 0.005};
    const int draws = 40000;
    for (bool over_positions : {true, false}) {
        Sampler sampler({.seed = 9});
        std::vector<int> count(p.size(), 0);
        for (int i = 0; i < draws; ++i) {
            std::vector<float> logits;
            for (double x : p) logits.push_back(float(std::log(x)));
            const uint64_t position = over_positions ? uint64_t(i) : 5, stream = over_positions ? 2 : uint64_t(i);
            ++count[size_t(sampler.pick(logits, {}, stream, position))];
        }
        double chi_square = 0;
        for (size_t i = 0; i < p.size(); ++i) chi_square += std::pow(count[i] - draws * p[i], 2) / (draws * p[i]);
        REQUIRE(chi_square <= 40);  // 7 degrees of freedom: one in a million is above
    }
}

TEST_CASE("a draw is a function of seed, stream and position, and each of them matters") {
    auto text = [](uint64_t seed, uint64_t stream, uint64_t first) {
        Sampler sampler({.seed = seed});
        std::vector<int32_t> ids;
        for (uint64_t i = 0; i < 30; ++i) {
            std::vector<float> logits(100, 0.0f);
            ids.push_back(sampler.pick(logits, {}, stream, first + i));
        }
        return ids;
    };
    REQUIRE(text(1, 0, 0) == text(1, 0, 0));
    REQUIRE(text(1, 0, 0) != text(2, 0, 0));
    REQUIRE(text(1, 0, 0) != text(1, 1, 0));
    REQUIRE(text(1, 0, 0) != text(1, 0, 1));
}

TEST_CASE("a setting out of its limits is refused by name and value") {
    const double nan = std::nan("");
    REQUIRE(refusal({.temperature = -1}) == "temperature cannot be '-1'");
    REQUIRE(refusal({.temperature = nan}) == "temperature cannot be 'nan'");
    REQUIRE(refusal({.temperature = INFINITY}) == "temperature cannot be 'inf'");
    REQUIRE(refusal({.top_k = -3}) == "top-k cannot be '-3'");
    REQUIRE(refusal({.top_p = 1.5}) == "top-p cannot be '1.5'");
    REQUIRE(refusal({.top_p = nan}) == "top-p cannot be 'nan'");
    REQUIRE(refusal({.min_p = -0.1}) == "min-p cannot be '-0.1'");
    REQUIRE(refusal({.repetition_penalty = 0}) == "repetition-penalty cannot be '0'");
    REQUIRE(refusal({.temperature = 0, .top_k = 40, .top_p = 0.9, .min_p = 0.1, .repetition_penalty = 1.2}) == "");
}

TEST_CASE("logits that are no numbers are an error about the model, whatever the sampling") {
    for (double temperature : {0.0, 1.0})
        for (float broken : {std::nanf(""), std::numeric_limits<float>::infinity()})
            for (size_t place : {size_t(0), size_t(3)}) {
                Sampler sampler({.temperature = temperature});
                std::vector<float> logits = {1, 2, 3, 0};
                logits[place] = broken;
                REQUIRE_THROWS_AS(sampler.pick(logits, {}, 0, 0), Error);
            }
    std::vector<float> nothing(4, -std::numeric_limits<float>::infinity());
    REQUIRE_THROWS_AS(Sampler({}).pick(nothing, {}, 0, 0), Error);
}
