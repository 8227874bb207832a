// The next token from a row of logits: each filter against a plain statement of it, and the draw itself.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>

#include "engine/base/error.h"
#include "engine/generate/sampler.h"

using namespace gradus;

namespace {

std::vector<float> random_logits(int V, unsigned seed) {
    std::mt19937 rng(seed);
    std::normal_distribution<float> normal(0, 3);
    std::vector<float> logits(static_cast<size_t>(V));
    for (float& x : logits) x = normal(rng);
    return logits;
}

// The filters as transformers states them: each turns logits into −∞, one after the other, with a full sort and a
// full softmax.
struct Plain {
    std::vector<double> logits;

    std::vector<double> probabilities() const {
        const double top = *std::max_element(logits.begin(), logits.end());
        std::vector<double> p;
        for (double x : logits) p.push_back(std::exp(x - top));
        const double total = std::accumulate(p.begin(), p.end(), 0.0);
        for (double& x : p) x /= total;
        return p;
    }
    std::vector<size_t> likeliest_first() const {
        std::vector<size_t> order(logits.size());
        std::iota(order.begin(), order.end(), size_t(0));
        std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
        return order;
    }
    void remove(size_t id) { logits[id] = -std::numeric_limits<double>::infinity(); }

    void temperature(double t) {
        for (double& x : logits) x /= t;
    }
    void top_k(int k) {
        const double least = logits[likeliest_first()[size_t(k) - 1]];
        for (size_t i = 0; i < logits.size(); ++i)
            if (logits[i] < least) remove(i);
    }
    void top_p(double p) {
        const std::vector<double> probability = probabilities();
        double before = 0;
        bool first = true;
        for (size_t id : likeliest_first()) {
            const double mine = probability[id];
            if (before >= p && !first) remove(id);
            before += mine;
            first = false;
        }
    }
    void min_p(double least) {
        const std::vector<double> probability = probabilities();
        const double top = *std::max_element(probability.begin(), probability.end());
        for (size_t i = 0; i < logits.size(); ++i)
            if (probability[i] < least * top) remove(i);
    }
};

std::set<int32_t> ids_of(std::span<const Sampler::Candidate> candidates) {
    std::set<int32_t> ids;
    for (const auto& c : candidates) ids.insert(c.id);
    REQUIRE(ids.size() == candidates.size());
    return ids;
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

TEST_CASE("each filter, and all of them together, keep what a plain statement of them keeps, with its probabilities") {
    const std::vector<Sampling> settings = {
        {},
        {.temperature = 0.5},
        {.temperature = 3},
        {.top_k = 1},
        {.top_k = 7},
        {.top_k = 1000},
        {.top_p = 0},
        {.top_p = 0.3},
        {.top_p = 0.95},
        {.temperature = 2, .top_p = 0.999},
        {.min_p = 0.05},
        {.min_p = 1},
        {.temperature = 1.3, .top_k = 40, .top_p = 0.9, .min_p = 0.02},
        {.temperature = 0.7, .top_k = 5, .top_p = 0.5, .min_p = 0.3},
    };
    for (int V : {1, 2, 50, 500})
        for (unsigned seed = 0; seed < 5; ++seed)
            for (const Sampling& s : settings) {
                const std::vector<float> logits = random_logits(V, seed);
                Plain plain{{logits.begin(), logits.end()}};
                plain.temperature(s.temperature);
                if (s.top_k > 0 && s.top_k < V) plain.top_k(s.top_k);
                if (s.top_p < 1) plain.top_p(s.top_p);
                if (s.min_p > 0) plain.min_p(s.min_p);
                const std::vector<double> expected = plain.probabilities();

                Sampler sampler(s);
                const auto candidates = sampler.candidates(logits);
                double total = 0;
                for (const auto& c : candidates) total += double(c.weight);
                std::vector<double> found(size_t(V), 0);
                for (const auto& c : candidates) found[size_t(c.id)] = double(c.weight) / total;
                INFO("V " << V << ", seed " << seed << ", temperature " << s.temperature << ", top-k " << s.top_k
                          << ", top-p " << s.top_p << ", min-p " << s.min_p);
                for (size_t i = 0; i < size_t(V); ++i) REQUIRE(std::abs(found[i] - expected[i]) <= 2e-6);
            }
}

TEST_CASE("ids as likely as the k-th stay under top-k, and the lower ids come first under top-p") {
    const std::vector<float> logits = {1, 3, 2, 2, 2, 0};
    Sampler top_k({.top_k = 2});
    REQUIRE(ids_of(top_k.candidates(logits)) == std::set<int32_t>{1, 2, 3, 4});

    const std::vector<float> equal(4, 0.0f);
    Sampler top_p({.top_p = 0.6});
    REQUIRE(ids_of(top_p.candidates(equal)) == std::set<int32_t>{0, 1, 2});
    Sampler half({.top_p = 0.5});
    REQUIRE(ids_of(half.candidates(equal)) == std::set<int32_t>{0, 1});
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
