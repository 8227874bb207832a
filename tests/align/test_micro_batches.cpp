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

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0;
    for (size_t n = 0; n < a.size(); ++n) largest = std::max(largest, std::abs(a[n] - b[n]));
    return largest;
}

std::vector<MicroBatch> one_each(const Sequences& sequences) {
    std::vector<MicroBatch> all;
    for (int s = 0; s < sequences.count(); ++s) all.push_back({{s, 0, 0}});
    return all;
}

}  // namespace

TEST_CASE("every sequence is packed once, nothing overlaps, and groups stay together") {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        const auto sequences = test::random_sequences(23, 9, T, seed);
        Groups groups;
        int next = 0;
        for (int count : {1, 4, 2, 3, 2, 2, 4, 1, 2, 2}) {
            groups.emplace_back();
            for (int i = 0; i < count; ++i) groups.back().push_back(next++);
        }
        const auto batches = pack(sequences, groups, 4, T);
        std::vector<int> seen(23, 0), batch_of(23, -1);
        for (size_t b = 0; b < batches.size(); ++b) {
            std::vector<std::vector<bool>> taken(4, std::vector<bool>(T, false));
            for (const Placed& p : batches[b]) {
                ++seen[size_t(p.sequence)];
                batch_of[size_t(p.sequence)] = int(b);
                for (int t = p.first; t < p.first + sequences.lengths[size_t(p.sequence)]; ++t) {
                    REQUIRE(t < T);
                    REQUIRE(!taken[size_t(p.row)][size_t(t)]);
                    taken[size_t(p.row)][size_t(t)] = true;
                }
            }
        }
        REQUIRE(std::count(seen.begin(), seen.end(), 1) == 23);
        for (const auto& group : groups)
            for (int sequence : group) REQUIRE(batch_of[size_t(sequence)] == batch_of[size_t(group[0])]);
    }
}

TEST_CASE("a text that is longer than a row, and a group that is larger than a micro-batch, are refused") {
    const auto of_length = [](size_t length) {
        return Sequence{std::vector<int32_t>(length, 1), std::vector<uint8_t>(length, 1)};
    };
    const Sequences three = joined({of_length(T), of_length(T), of_length(T)});
    REQUIRE_THROWS_WITH(pack(three, Groups{{0, 1, 2}}, 2, T), Catch::Contains("do not fit into a micro-batch"));
    REQUIRE(pack(three, Groups{{0, 1, 2}}, 3, T).size() == 1);
    REQUIRE_THROWS_WITH(pack(joined({of_length(T), of_length(T + 1)}), 2, T),
                        Catch::Contains("a text of 11 tokens does not fit"));
}

TEST_CASE("log-probabilities and values of packed sequences are those of each sequence alone") {
    for (const ModelConfig& m : {test::tiny_gpt2(), test::tiny_llama()}) {
        const auto sequences = test::random_sequences(9, m.V, T);
        const auto model = make_language_model(reference_ops(), m, DType::f64, {3, T});
        initialise(*model, 2);
        LanguagePass pass(*model, 0.7);
        const auto batches = pack(sequences, 3, T);
        REQUIRE(batches.size() > 1);
        const std::vector<double> packed = pass.log_probs(batches, sequences),
                                  alone = pass.log_probs(one_each(sequences), sequences);
        REQUIRE(largest_difference(packed, alone) <= 1e-14);
        for (size_t n = 0; n < packed.size(); ++n) REQUIRE((packed[n] < 0) == bool(sequences.learnt[n]));

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
    std::vector<double> coefficients = sequences.zeros();
    for (size_t n = 0; n < coefficients.size(); ++n)
        if (sequences.learnt[n]) coefficients[n] = Philox{9}.normal(n);
    const auto gradient = [&](const std::vector<MicroBatch>& batches) {
        const auto model = make_language_model(reference_ops(), m, DType::f64, {2, T}, {.training = true});
        initialise(*model, 2);
        LanguagePass pass(*model);
        std::vector<double> log_probs = sequences.zeros();
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
        for (double l : pass.log_probs(batches, sequences)) sum += std::sin(l);
        return sum;
    };
    std::vector<double> log_probs = sequences.zeros();
    for (const MicroBatch& b : batches) {
        pass.forward(b, sequences, log_probs);
        std::vector<double> coefficients = log_probs;
        for (double& c : coefficients) c = c == 0 ? 0 : std::cos(c);
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
