// Sampling of any backend: kernels/sampling.h.
#include <set>

#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/sampling.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Size {
    int64_t V, k, R, more;  // more: padding beyond what the slices need
};

std::vector<Size> sizes() {
    if (tested().slow) return {{50, 3, 2, 1}, {700, 1, 1, 0}};
    return {{1, 1, 1, 0}, {2, 2, 3, 0}, {50, 3, 2, 1}, {511, 5, 1, 1}, {3001, 2, 3, 0}};
}

std::vector<Sampling> settings() {
    if (!tested().slow) return samplings;
    return {samplings[0], samplings[2], samplings[7], samplings[12], samplings[16]};
}

void require_drawn(const Sampled& got, const Sampled& want) {
    REQUIRE(same_bits(got.ids, want.ids));
    REQUIRE(difference("log_probs", got.log_probs, want.log_probs, 1e-6, 1e-6) == "");
}

// The ids drawn for one row at the positions 0, 1, ….
std::vector<int32_t> drawn(const std::vector<double>& logits, const Sampling& s, int draws, uint64_t stream = 0) {
    std::vector<SampledRow> rows;
    for (int i = 0; i < draws; ++i) rows.push_back({.logits = logits, .stream = stream, .position = i});
    const Owned ids = sampled(tested().ops, DType::f32, rows, s).ids;
    return {ids.as<int32_t>(), ids.as<int32_t>() + draws};
}

}  // namespace

TEST_CASE("a backend draws the same ids as the reference: every filter, any number of rows, classes and ranks") {
    for (const Size& size : sizes())
        for (const Sampling& s : settings())
            for (DType dtype : {DType::f32, DType::bf16}) {
                if (tested().slow && dtype == DType::bf16) continue;
                std::vector<SampledRow> rows;
                for (int64_t n = 0; n < size.k; ++n) rows.push_back(separated_row(uint64_t(n), dtype, size.V, s));
                const auto run = [&](const Ops& ops, DType t) { return sampled(ops, t, rows, s, size.R, size.more); };
                const Sampled want = run(reference_ops(), DType::f64), got = run(tested().ops, dtype);
                INFO("V " << size.V << ", " << size.k << " rows, " << size.R << " slices, " << name_of(dtype) << ", "
                          << text_of(s));
                require_drawn(got, want);
                if (size.V != 50 || dtype == DType::bf16) continue;
                for (size_t i = 1; i < (tested().slow ? 2 : tested().configurations.size()); ++i) {
                    const InConfiguration now(tested().configurations[i]);
                    INFO(tested().configurations[i].name);
                    const Sampled again = run(tested().ops, dtype);
                    REQUIRE(same_bits(again.ids, got.ids));
                    REQUIRE(same_bits(again.log_probs, got.log_probs));
                }
                if (tested().slow) continue;
                const Shifted each;
                require_drawn(run(hosted(tested().device), dtype), want);
            }
}

TEST_CASE("temperature 0 takes the largest logit, and the lowest id among equals, for any slices of the vocabulary") {
    for (int64_t R : {1, 2, 3}) {
        const Sampled got = sampled(tested().ops, DType::f32,
                                    {{.logits = {-1, 4, 2, 4, 3}},
                                     {.logits = {-1, -4, -2, -4, -1}},
                                     {.logits = {5, 4, -1, 2, 4.5}, .seen = {0}}},
                                    {.temperature = 0, .repetition_penalty = 2}, R);
        REQUIRE(at(got.ids, 0) == 1);
        REQUIRE(at(got.ids, 1) == 0);
        REQUIRE(at(got.ids, 2) == 4);
        REQUIRE(std::abs(at(got.log_probs, 2) -
                         std::log(1 / (std::exp(.5) + 1 + std::exp(-.5) + std::exp(-5.5) + std::exp(-2.5)))) <= 1e-6);
    }
}

TEST_CASE("the repetition penalty divides positive logits and multiplies negative ones of the ids seen") {
    // After the penalty on 8 and −1 their probabilities are 0 at this temperature; 2 is not seen and is drawn.
    const Sampling s = {.temperature = 0.01, .repetition_penalty = 8};
    for (const auto& [logits, seen, want] : std::vector<std::tuple<std::vector<double>, std::vector<int32_t>, int>>{
             {{8, 2, -1}, {0}, 1}, {{-1, -3, -9}, {0}, 1}, {{8, 2, -1}, {}, 0}, {{8, 7, -1}, {1, 0, 2}, 0}}) {
        const Owned ids = sampled(tested().ops, DType::f32, {{.logits = logits, .seen = seen}}, s).ids;
        REQUIRE(at(ids, 0) == want);
    }
}

TEST_CASE("ids as likely as the k-th stay under top-k, and the lower ids come first under top-p") {
    const int draws = tested().slow ? 12 : 24;
    const auto ids = [&](const std::vector<double>& logits, const Sampling& s) {
        const std::vector<int32_t> all = drawn(logits, s, draws);
        return std::set<int32_t>(all.begin(), all.end());
    };
    REQUIRE(ids({1, 3, 2.9, 2.9, 2.9, 0}, {.top_k = 2}) == std::set<int32_t>{1, 2, 3, 4});
    REQUIRE(ids({0, 0, 0, 0}, {.top_p = 0.6}) == std::set<int32_t>{0, 1, 2});
    if (tested().slow) return;
    REQUIRE(ids({0, -0.0, -0.0, 0, -1}, {.top_k = 3}) == std::set<int32_t>{0, 1, 2, 3});
    REQUIRE(ids({0, 0, 0, 0}, {.top_p = 0.5}) == std::set<int32_t>{0, 1});
    REQUIRE(ids({0, 0, 0, 0}, {.top_p = 0}) == std::set<int32_t>{0});
    REQUIRE(ids({0, 3, 3, 3, 0}, {.top_k = 3, .top_p = 0.5}) == std::set<int32_t>{1, 2});
    REQUIRE(ids({0, 3, 3, 0}, {.min_p = 1}) == std::set<int32_t>{1, 2});
}

TEST_CASE("equal weights are drawn from the lowest id up, and under top-p from the highest down") {
    const int V = 1000, draws = tested().slow ? 4 : 20;
    for (bool top_p : {false, true}) {
        const std::vector<int32_t> ids = drawn(std::vector<double>(V, 2.5), {.top_p = top_p ? 0.5 : 1.0}, draws);
        for (int i = 0; i < draws; ++i) {
            const double u = uniform_of({.logits = {}, .position = i}, 1);
            REQUIRE(ids[size_t(i)] == (top_p ? V / 2 - 1 - int(u * V / 2) : int(u * V)));
        }
    }
}

TEST_CASE("ids of probability 0 and padding are never drawn, for any values of the padding") {
    const double never = -INFINITY;
    for (double padding : {double(NAN), double(INFINITY), 1e30}) {
        std::vector<SampledRow> rows;
        for (int i = 0; i < (tested().slow ? 4 : 20); ++i)
            rows.push_back({.logits = {never, 0, never, 0, never}, .position = i});
        for (double temperature : {0.0, 1e-3, 1.0}) {
            const Sampled got = sampled(tested().ops, DType::f32, rows, {.temperature = temperature}, 3, 2, padding);
            for (int64_t n = 0; n < got.ids.size(); ++n) {
                const double id = at(got.ids, n);
                REQUIRE((id == 1 || (id == 3 && temperature > 0)));
                REQUIRE(std::abs(at(got.log_probs, n) - std::log(0.5)) <= 1e-6);
            }
        }
    }
}

TEST_CASE("a row with non-finite logits gets the id -1 and a NaN log-probability, and other rows are not affected") {
    for (const Sampling& s : std::vector<Sampling>{
             {}, {.temperature = 0}, {.top_k = 2, .top_p = 0.9, .min_p = 0.1, .repetition_penalty = 1.1}})
        for (size_t place : tested().slow ? std::vector<size_t>{3} : std::vector<size_t>{0, 3, 4})
            for (double broken : {double(NAN), double(INFINITY)}) {
                std::vector<SampledRow> rows(3, {.logits = {1, 2, 3, 0, -1}, .seen = {4, 0}});
                rows[1].logits[place] = broken;
                const Sampled got = sampled(tested().ops, DType::f32, rows, s, 2);
                REQUIRE(at(got.ids, 1) == -1);
                REQUIRE(std::isnan(at(got.log_probs, 1)));
                for (int64_t n : {0, 2}) REQUIRE(at(got.ids, n) == plain_draw(rows[0], s).id);
            }
    const std::vector<double> nothing(4, -INFINITY);
    REQUIRE(at(sampled(tested().ops, DType::f32, {{.logits = nothing}}, {}).ids, 0) == -1);
}

TEST_CASE("draws follow the probabilities of the model") {
    const std::vector<double> p = {0.4, 0.25, 0.15, 0.1, 0.1};
    std::vector<double> logits;
    for (double each : p) logits.push_back(std::log(each));
    for (double top_p : {1.0, 0.9999}) {
        if (tested().slow && top_p < 1) continue;
        const int draws = tested().slow || top_p < 1 ? 60 : 300;
        std::vector<int> count(p.size(), 0);
        for (int32_t id : drawn(logits, {.top_p = top_p, .seed = 9}, draws)) ++count[size_t(id)];
        double chi_square = 0;
        for (size_t i = 0; i < p.size(); ++i) chi_square += std::pow(count[i] - draws * p[i], 2) / (draws * p[i]);
        REQUIRE(chi_square <= 33);  // 4 degrees of freedom: exceeded with probability 1e-6
    }
}

TEST_CASE("a draw depends on seed, stream and position, and on nothing else") {
    const std::vector<double> flat(100, 0.0);
    const int draws = 12;
    const auto text = [&](uint64_t seed, uint64_t stream) { return drawn(flat, {.seed = seed}, draws, stream); };
    const std::vector<int32_t> ids = text(1, 0);
    REQUIRE(text(1, 0) == ids);
    REQUIRE(text(2, 0) != ids);
    REQUIRE(text(1, 1) != ids);
    REQUIRE(text(1, uint64_t(1) << 32) != ids);
    REQUIRE(std::set<int32_t>(ids.begin(), ids.end()).size() > 1);
}

TEST_CASE("a row draws the same id in any batch") {
    const Sampling s = {.temperature = 1.1, .top_k = 60, .top_p = 0.9, .repetition_penalty = 1.1};
    std::vector<SampledRow> rows;
    for (uint64_t n = 0; n < 3; ++n) rows.push_back(separated_row(n, DType::f32, 90, s));
    const Sampled together = sampled(tested().ops, DType::f32, rows, s);
    for (int64_t n = 0; n < 3; ++n) {
        const Sampled alone = sampled(tested().ops, DType::f32, {rows[size_t(n)]}, s, 1 + n);
        REQUIRE(at(alone.ids, 0) == at(together.ids, n));
        REQUIRE(at(alone.log_probs, 0) == at(together.log_probs, n));
    }
}
