// Drawing tokens on a device from rows of logits. The filters are tested with the op
// (tests/kernels/table/test_sampling.cpp).
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "engine/generate/token_sampler.h"
#include "tests/engine/models.h"

using namespace gradus;

namespace {

std::string refusal(const Sampling& s) {
    try {
        validate(s);
    } catch (const Error& e) { return e.what(); }
    return "";
}

constexpr int most_rows = 8;

// A sampler for a vocabulary of V, with logits on its device.
class Drawing {
public:
    explicit Drawing(int V)
        : run_{{cpu_ops()}, dims_of(model_of(V), 1, 1), model_of(V)},
          sampler_(run_, most_rows, V),
          arena_(run_.ops, "l") {
        arena_.declare("logits", logits_, {most_rows, V}, DType::f32);
        arena_.allocate();
    }
    std::vector<TokenSampler::Draw> draw(const std::vector<std::vector<float>>& logits,
                                         const std::vector<TokenSampler::Row>& rows) {
        const int64_t k = int64_t(rows.size()), V = logits_.last();
        for (int64_t n = 0; n < k; ++n)
            std::copy(logits[size_t(n)].begin(), logits[size_t(n)].end(), logits_.as<float>() + n * V);
        return sampler_.draw(logits_.slice(0, k).view({1, k, V}), rows);
    }
    int32_t one(const std::vector<float>& logits, const TokenSampler::Row& row) { return draw({logits}, {row})[0].id; }

private:
    static ModelConfig model_of(int V) {
        ModelConfig m = test::tiny_gpt2();
        m.V = V;
        return m;
    }
    const Run run_;
    TokenSampler sampler_;
    Arena arena_;
    Tensor logits_;
};

}  // namespace

TEST_CASE("temperature 0 takes the largest logit, and the lowest id among ties") {
    Drawing d(5);
    REQUIRE(d.one({-1, 4, 2, 4, 3}, {.sampling = {.temperature = 0}}) == 1);
    REQUIRE(d.one({-1, 4, 2, 4, 5}, {.sampling = {.temperature = 0}}) == 4);
}

TEST_CASE("the repetition penalty uses each row's own ids") {
    Drawing d(3);
    const Sampling s = {.temperature = 0, .repetition_penalty = 2};
    const std::vector<int32_t> first = {0}, both = {0, 1};
    const auto draws = d.draw({{5, 4, -1}, {5, 4, -1}, {5, 4, 3}},
                              {{.sampling = s}, {.sampling = s, .seen = first}, {.sampling = s, .seen = both}});
    REQUIRE(draws[0].id == 0);
    REQUIRE(draws[1].id == 1);
    REQUIRE(draws[2].id == 2);
}

TEST_CASE("rows with different sampling draw the same ids as alone") {
    Drawing d(40);
    std::vector<std::vector<float>> logits;
    std::vector<TokenSampler::Row> rows;
    for (int n = 0; n < most_rows; ++n) {
        std::vector<float> row;
        for (int v = 0; v < 40; ++v) row.push_back(float((v * 7 + n * 11) % 13) / 3);
        logits.push_back(row);
        const Sampling each[] = {{}, {.temperature = 0}, {.temperature = 0.7, .top_k = 9}, {.top_p = 0.8, .seed = 4}};
        rows.push_back({.sampling = each[n % 4], .stream = uint64_t(n) << 33, .position = n});
    }
    const auto together = d.draw(logits, rows);
    for (size_t n = 0; n < rows.size(); ++n) {
        const auto alone = d.draw({logits[n]}, {rows[n]});
        REQUIRE(together[n].id == alone[0].id);
        REQUIRE(together[n].log_prob == alone[0].log_prob);
    }
}

TEST_CASE("a draw has its log-probability under the model at its temperature, independent of the filters") {
    Drawing d(4);
    const std::vector<float> logits = {1, 2, 0, -1};
    for (double temperature : {0.5, 1.0, 2.0}) {
        const auto draw = d.draw({logits}, {{.sampling = {.temperature = temperature, .top_k = 1}}})[0];
        double total = 0;
        for (float z : logits) total += std::exp(double(z) / temperature);
        REQUIRE(draw.id == 1);
        REQUIRE(std::abs(draw.log_prob - (2 / temperature - std::log(total))) <= 1e-5);
    }
}

TEST_CASE("ids of probability zero are never drawn") {
    const float never = -std::numeric_limits<float>::infinity();
    Drawing d(5);
    for (int64_t position = 0; position < 200; ++position) {
        const int32_t id =
            d.one({never, 0, never, 0, never}, {.sampling = {.temperature = 1e-3}, .position = position});
        REQUIRE((id == 1 || id == 3));
    }
}

TEST_CASE("draws follow the probabilities of the model") {
    const std::vector<double> p = {0.4, 0.25, 0.15, 0.1, 0.05, 0.03, 0.015, 0.005};
    std::vector<float> logits;
    for (double x : p) logits.push_back(float(std::log(x)));
    Drawing d(int(p.size()));
    const int draws = 40000;
    for (bool over_positions : {true, false}) {
        std::vector<int> count(p.size(), 0);
        for (int i = 0; i < draws; i += most_rows) {
            std::vector<TokenSampler::Row> rows;
            for (int j = i; j < i + most_rows; ++j)
                rows.push_back({.sampling = {.seed = 9},
                                .stream = over_positions ? 2 : uint64_t(j),
                                .position = over_positions ? j : 5});
            for (const auto& drawn : d.draw(std::vector(most_rows, logits), rows)) ++count[size_t(drawn.id)];
        }
        double chi_square = 0;
        for (size_t i = 0; i < p.size(); ++i) chi_square += std::pow(count[i] - draws * p[i], 2) / (draws * p[i]);
        REQUIRE(chi_square <= 40);  // 7 degrees of freedom: one in a million is above
    }
}

TEST_CASE("a draw is a function of seed, stream and position, and depends on each") {
    Drawing d(100);
    auto text = [&](uint64_t seed, uint64_t stream, int64_t first) {
        std::vector<int32_t> ids;
        for (int64_t i = 0; i < 30; ++i)
            ids.push_back(d.one(std::vector<float>(100, 0.f),
                                {.sampling = {.seed = seed}, .stream = stream, .position = first + i}));
        return ids;
    };
    REQUIRE(text(1, 0, 0) == text(1, 0, 0));
    REQUIRE(text(1, 0, 0) != text(2, 0, 0));
    REQUIRE(text(1, 0, 0) != text(1, 1, 0));
    REQUIRE(text(1, 0, 0) != text(1, uint64_t(1) << 32, 0));
    REQUIRE(text(1, 0, 0) != text(1, 0, 1));
}

TEST_CASE("a setting out of range is refused by name and value") {
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

TEST_CASE("NaN or infinite logits are an Error about the model, with any sampling") {
    Drawing d(4);
    for (double temperature : {0.0, 1.0})
        for (float broken : {std::nanf(""), std::numeric_limits<float>::infinity()})
            for (size_t place : {size_t(0), size_t(3)}) {
                std::vector<float> logits = {1, 2, 3, 0};
                logits[place] = broken;
                REQUIRE_THROWS_AS(d.one(logits, {.sampling = {.temperature = temperature}}), Error);
            }
    REQUIRE_THROWS_AS(d.one(std::vector<float>(4, -std::numeric_limits<float>::infinity()), {}), Error);
}
