// Sequences in micro-batches: align/batches.
#include <catch2/catch.hpp>

#include <cmath>

#include "align/batches/language_pass.h"
#include "align/batches/score_pass.h"
#include "engine/initialise.h"
#include "tests/align/models.h"

using namespace gradus;

namespace {

constexpr int T = 10;

double largest_difference(const PerId& a, const PerId& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0;
    for (size_t s = 0; s < a.size(); ++s) {
        REQUIRE(a[s].size() == b[s].size());
        for (size_t t = 0; t < a[s].size(); ++t) largest = std::max(largest, std::abs(a[s][t] - b[s][t]));
    }
    return largest;
}

std::vector<MicroBatch> one_each(const std::vector<Sequence>& sequences) {
    std::vector<MicroBatch> all;
    for (int s = 0; s < int(sequences.size()); ++s) all.push_back({{s, 0, 0}});
    return all;
}

}  // namespace

TEST_CASE("every sequence is packed once, nothing overlaps, and groups stay together") {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        const auto sequences = test::random_sequences(23, 9, T, seed);
        const std::vector<int> groups = {1, 4, 2, 3, 2, 2, 4, 1, 2, 2};
        const auto batches = pack(sequences, groups, 4, T);
        std::vector<int> seen(sequences.size(), 0), batch_of(sequences.size(), -1);
        for (size_t b = 0; b < batches.size(); ++b) {
            std::vector<std::vector<bool>> taken(4, std::vector<bool>(T, false));
            for (const Placed& p : batches[b]) {
                ++seen[size_t(p.sequence)];
                batch_of[size_t(p.sequence)] = int(b);
                for (int t = p.first; t < p.first + sequences[size_t(p.sequence)].size(); ++t) {
                    REQUIRE(t < T);
                    REQUIRE(!taken[size_t(p.row)][size_t(t)]);
                    taken[size_t(p.row)][size_t(t)] = true;
                }
            }
        }
        REQUIRE(std::count(seen.begin(), seen.end(), 1) == 23);
        int first = 0;
        for (int count : groups) {
            for (int s = first; s < first + count; ++s) REQUIRE(batch_of[size_t(s)] == batch_of[size_t(first)]);
            first += count;
        }
    }
}

TEST_CASE("a text that is longer than a row, and a group that is larger than a micro-batch, are refused") {
    std::vector<Sequence> sequences(3);
    for (Sequence& s : sequences) s = {std::vector<int32_t>(T, 1), std::vector<uint8_t>(T, 1)};
    REQUIRE_THROWS_WITH(pack(sequences, std::vector<int>{3}, 2, T), Catch::Contains("do not fit into a micro-batch"));
    REQUIRE(pack(sequences, std::vector<int>{3}, 3, T).size() == 1);
    sequences[1].ids.push_back(1);
    sequences[1].learnt.push_back(1);
    REQUIRE_THROWS_WITH(pack(sequences, 2, T), Catch::Contains("a text of 11 tokens does not fit"));
}

TEST_CASE("log-probabilities and values of packed sequences are those of each sequence alone") {
    for (const ModelConfig& m : {test::tiny_gpt2(), test::tiny_llama()}) {
        const auto sequences = test::random_sequences(9, m.V, T);
        const auto model = make_language_model(reference_ops(), m, DType::f64, {3, T});
        initialise(*model, 2);
        LanguagePass pass(*model, 0.7);
        const auto batches = pack(sequences, 3, T);
        REQUIRE(batches.size() > 1);
        const PerId packed = pass.log_probs(batches, sequences), alone = pass.log_probs(one_each(sequences), sequences);
        REQUIRE(largest_difference(packed, alone) <= 1e-14);
        for (size_t s = 0; s < sequences.size(); ++s)
            for (size_t t = 0; t < sequences[s].ids.size(); ++t)
                REQUIRE((packed[s][t] < 0) == bool(sequences[s].learnt[t]));

        ScoreModel scorer(reference_ops(), m, DType::f64, {3, T}, {}, {});
        initialise(scorer.parameters, m, 2);
        ScorePass scores(scorer);
        REQUIRE(largest_difference(scores.values(batches, sequences), scores.values(one_each(sequences), sequences)) <=
                1e-14);
    }
}

TEST_CASE("the gradient of an objective of log-probabilities is the same packed or one sequence at a time") {
    const ModelConfig m = test::tiny_llama();
    const auto sequences = test::random_sequences(8, m.V, T);
    PerId coefficients = zeros_like(sequences);
    for (size_t s = 0; s < coefficients.size(); ++s)
        for (size_t t = 0; t < coefficients[s].size(); ++t)
            coefficients[s][t] = sequences[s].learnt[t] ? Philox{9}.normal(s * 100 + t) : 0;
    const auto gradient = [&](const std::vector<MicroBatch>& batches) {
        const auto model = make_language_model(reference_ops(), m, DType::f64, {2, T}, {.training = true});
        initialise(*model, 2);
        LanguagePass pass(*model);
        PerId log_probs = zeros_like(sequences);
        for (const MicroBatch& b : batches) {
            pass.forward(b, sequences, log_probs);
            pass.backward(coefficients);
        }
        return test::values<double>(model->parameters.grads.flat());
    };
    const auto packed = gradient(pack(sequences, 2, T)), alone = gradient(one_each(sequences));
    double largest = 0;
    for (size_t i = 0; i < packed.size(); ++i) {
        largest = std::max(largest, std::abs(packed[i]));
        REQUIRE(std::abs(packed[i] - alone[i]) <= 1e-12);
    }
    REQUIRE(largest > 0.1);
}

TEST_CASE("the gradient of an objective of log-probabilities is what finite differences find") {
    const ModelConfig m = test::tiny_gpt2();
    const auto sequences = test::random_sequences(4, m.V, T);
    const auto model = make_language_model(reference_ops(), m, DType::f64, {2, T}, {.training = true});
    initialise(*model, 2);
    const double temperature = 1.3;
    LanguagePass pass(*model, temperature);
    const auto batches = pack(sequences, 2, T);
    // J = Σ sin(ℓ): every coefficient differs.
    const auto objective = [&] {
        double sum = 0;
        for (const auto& of_sequence : pass.log_probs(batches, sequences))
            for (double l : of_sequence) sum += std::sin(l);
        return sum;
    };
    PerId log_probs = zeros_like(sequences);
    for (const MicroBatch& b : batches) {
        pass.forward(b, sequences, log_probs);
        PerId coefficients = log_probs;
        for (const Placed& p : b)
            for (double& c : coefficients[size_t(p.sequence)]) c = c == 0 ? 0 : std::cos(c);
        pass.backward(coefficients);
    }
    for (const Weight& w : model->parameters.weights()) {
        const int64_t i = w.value.size() / 2;
        double& x = w.value.as<double>()[i];
        const double before = x, h = 1e-5, analytic = w.grad.as<double>()[i];
        x = before + h;
        const double above = objective();
        x = before - h;
        const double below = objective();
        x = before;
        INFO(w.name);
        REQUIRE(std::abs((above - below) / (2 * h) - analytic) <= 1e-7);
    }
}
