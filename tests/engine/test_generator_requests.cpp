// A generator used request by request: add(), step(), poll(), end().
#include <catch2/catch.hpp>

#include <cmath>
#include <map>

#include "engine/generate/generator.h"
#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

std::unique_ptr<LanguageModel> scrambled(const ModelConfig& m) {
    auto model = make_language_model(reference_ops(), m, DType::f64);
    scramble<double>(*model);
    return model;
}

GenerateOptions greedy(int max_tokens) { return {.max_tokens = max_tokens, .sampling = {.temperature = 0}}; }

std::map<int, std::vector<Drawn>> drain(Generator& g) {
    std::map<int, std::vector<Drawn>> all;
    while (g.step())
        for (const Drawn& d : g.poll()) all[d.request].push_back(d);
    return all;
}

std::vector<int32_t> ids_of(const std::vector<Drawn>& drawn) {
    std::vector<int32_t> ids;
    for (const Drawn& d : drawn) ids.push_back(d.id);
    return ids;
}

}  // namespace

TEST_CASE("requests added while others are generated get the same text as alone") {
    const ModelConfig m = tiny_gpt2();
    const auto model = scrambled(m);
    const std::vector<Prompt> prompts = {{{3, 1, 4}, 0}, {{9}, 1}, {{2, 6, 5, 3}, 2}};
    const GenerateOptions sampled = {.max_tokens = 5, .sampling = {.temperature = 0.9, .seed = 7}};
    Generator g(*model, {.sequences = 2});
    const auto alone = g.generate(prompts, sampled);

    std::map<int, std::vector<Drawn>> found;
    std::vector<int> requests;
    for (const Prompt& p : prompts) {
        requests.push_back(g.add(p, sampled));
        REQUIRE(g.step());
        for (const Drawn& d : g.poll()) found[d.request].push_back(d);
    }
    for (auto& [request, drawn] : drain(g)) found[request].insert(found[request].end(), drawn.begin(), drawn.end());
    for (size_t i = 0; i < prompts.size(); ++i) {
        const std::vector<Drawn>& drawn = found[requests[i]];
        REQUIRE(ids_of(drawn) == alone[i].ids);
        REQUIRE(drawn.back().finish == alone[i].finish);
        for (size_t j = 0; j + 1 < drawn.size(); ++j) REQUIRE(!drawn[j].finish);
    }
    REQUIRE(!g.step());
    REQUIRE(g.poll().empty());
}

TEST_CASE("the log-probability of each id equals that of the head for the full text") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        const auto model = scrambled(m);
        const double temperature = 0.8;
        Generator g(*model, {});
        const std::vector<int32_t> prompt = {3, 1, 4};
        const Generated text =
            g.generate({{prompt}}, {.max_tokens = 6, .sampling = {.temperature = temperature, .top_k = 5}})[0];
        REQUIRE(text.log_probs.size() == text.ids.size());

        std::vector<int32_t> ids = prompt;
        ids.insert(ids.end(), text.ids.begin(), text.ids.end());
        const int T = int(ids.size()) - 1;
        Bench bench(reference_ops(), m, DType::f64, {.B = 1, .T = T});
        scramble<double>(*bench.model);
        HostBatch host(1, T);
        for (int t = 0; t < T; ++t) {
            host.tokens[size_t(t)] = ids[size_t(t)];
            host.targets[size_t(t)] = ids[size_t(t) + 1];
        }
        bench.upload(host);
        std::vector<double> log_probs(size_t(T), 0);
        bench.model->head.log_probs(bench.losses, Tensor{log_probs.data(), DType::f64, {T}},
                                    bench.model->body->forward(bench.batch), bench.batch.targets, temperature);
        for (size_t i = 0; i < text.ids.size(); ++i)
            REQUIRE(std::abs(text.log_probs[i] - log_probs[prompt.size() - 1 + i]) <= 1e-12);
    }
}

TEST_CASE("an ended request's slot goes to the next waiting one") {
    const auto model = scrambled(tiny_gpt2());
    Generator g(*model, {.sequences = 1});
    const int first = g.add({{3, 1}}, greedy(8)), second = g.add({{5}}, greedy(2)), third = g.add({{6}}, greedy(2));
    REQUIRE(g.step());
    REQUIRE(g.poll().size() == 1);
    g.end(first);
    g.end(third);
    const auto rest = drain(g);
    REQUIRE(rest.size() == 1);
    REQUIRE(rest.at(second).size() == 2);
}

TEST_CASE("the id that ends a text has its log-probability and is not part of the text") {
    const auto model = scrambled(tiny_gpt2());
    Generator g(*model, {});
    GenerateOptions options = greedy(6);
    const std::vector<int32_t> ids = g.generate({{{3, 1, 4}}}, options)[0].ids;
    options.ends_of_text = {ids[2]};
    const size_t at = size_t(std::find(ids.begin(), ids.end(), ids[2]) - ids.begin());
    const int request = g.add({{3, 1, 4}}, options);
    const std::vector<Drawn> drawn = drain(g).at(request);
    REQUIRE(drawn.size() == at + 1);
    REQUIRE(drawn.back().id == ids[2]);
    REQUIRE(drawn.back().finish == Finish::end_of_text);
    REQUIRE(!drawn.back().is_text());
    REQUIRE(drawn.back().log_prob < 0);
    REQUIRE(g.generate({{{3, 1, 4}}}, options)[0].ids == std::vector(ids.begin(), ids.begin() + long(at)));
}

TEST_CASE("a request for no tokens ends at once, and one with a setting out of range is refused") {
    const auto model = scrambled(tiny_gpt2());
    Generator g(*model, {});
    g.add({{3}}, greedy(0));
    REQUIRE(!g.step());
    REQUIRE_THROWS_AS(g.add({{3}}, {.sampling = {.top_p = 2}}), Error);
    REQUIRE_THROWS_AS(g.add({{}}, greedy(1)), Error);
    REQUIRE(!g.step());
}
