// Generation with a KV cache: it computes the same as the full forward pass, with any other requests, and stops
// correctly.
#include <catch2/catch.hpp>

#include "engine/generate/generator.h"
#include "tests/engine/models.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int longest = 11;  // context of the tiny models

template <class Scalar>
std::unique_ptr<LanguageModel> scrambled(const ModelConfig& m, DType dtype) {
    auto model = make_language_model(reference_ops(), m, dtype);
    scramble<Scalar>(*model);
    return model;
}

std::vector<int32_t> random_ids(int n, int V, unsigned seed) {
    std::mt19937 rng(seed);
    std::vector<int32_t> ids(static_cast<size_t>(n));
    for (int32_t& id : ids) id = int32_t(rng() % unsigned(V));
    return ids;
}

// Logits [T,V] of every position of the ids, from a full forward pass.
std::vector<double> whole_logits(const ModelConfig& m, const std::vector<int32_t>& ids) {
    Bench bench(reference_ops(), m, DType::f64, {.B = 1, .T = int(ids.size())});
    scramble<double>(*bench.model);
    HostBatch host(1, int(ids.size()));
    host.tokens = ids;
    bench.upload(host);
    logits_of(*bench.model, bench.batch, bench.logits);
    return values<double>(bench.logits);
}

std::vector<double> logits_at(const std::vector<double>& all, int position, int V) {
    return {all.begin() + position * V, all.begin() + (position + 1) * V};
}

std::string refusal(Generator& generator, const std::vector<Prompt>& prompts) {
    try {
        generator.generate(prompts, {});
    } catch (const Error& e) { return e.what() + std::string(": ") + e.cause; }
    return "";
}

const std::vector<Prompt>& some_prompts() {
    static const std::vector<Prompt> prompts = {
        {{3, 1, 4, 1, 5}, 0}, {{9}, 1}, {{2, 6, 5, 3, 5, 8, 9, 7}, 2}, {{9, 3}, 3}, {{2, 3, 8, 4}, 4}};
    return prompts;
}

}  // namespace

TEST_CASE("the logits of every cached step equal those of the full forward pass at that position") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        const std::vector<int32_t> ids = random_ids(longest, m.V, 5);
        const std::vector<double> whole = whole_logits(m, ids);
        auto model = scrambled<double>(m, DType::f64);
        CachedStep step(*model, 1, longest, 4);
        for (int position = 0; position < longest; ++position) {
            step.begin();
            step.add_wanted({ids[size_t(position)], 0, position});
            step.run();
            REQUIRE(worst_difference(values<double>(step.device_logits()), logits_at(whole, position, m.V)) <= 1e-12);
            REQUIRE(step.logits(0)[0] == float(step.device_logits().as<double>()[0]));
        }
    }
}

TEST_CASE("prompts of several lengths fed together in pieces have the same logits as alone") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        const std::vector<std::vector<int32_t>> ids = {random_ids(11, m.V, 1), random_ids(3, m.V, 2),
                                                       random_ids(7, m.V, 3)};
        auto model = scrambled<double>(m, DType::f64);
        CachedStep step(*model, 3, longest, 5);
        std::vector<int> fed(3, 0);
        int compared = 0;
        while (compared < 3) {  // five rows per step, in turn
            step.begin();
            std::vector<std::pair<int, int>> wanted;
            for (int row = 0, s = 0, idle = 0; row < 5 && idle < 3; s = (s + 1) % 3) {
                const int n = int(ids[size_t(s)].size());
                int& position = fed[size_t(s)];
                if (position == n) {
                    ++idle;
                    continue;
                }
                const CachedStep::Row next = {ids[size_t(s)][size_t(position)], s, position};
                if (++position == n) wanted.push_back({s, step.add_wanted(next)});
                else step.add(next);
                ++row;
                idle = 0;
            }
            step.run();
            for (auto [s, row] : wanted) {
                const int n = int(ids[size_t(s)].size());
                const auto alone = logits_at(whole_logits(m, ids[size_t(s)]), n - 1, m.V);
                REQUIRE(worst_difference(values<double>(step.device_logits().slice(row, 1)), alone) <= 1e-12);
                ++compared;
            }
        }
    }
}

TEST_CASE("greedy text with a cache equals that of a full forward pass for every token") {
    for (ModelConfig m : {tiny_gpt2(), tiny_llama()}) {
        std::vector<int32_t> ids = {7, 2, 11};
        const size_t prompt = ids.size();
        auto model = scrambled<double>(m, DType::f64);
        Generator generator(*model, {.rows = 2});
        const Generated text = generator.generate({{ids, 0}}, {.max_tokens = 6, .sampling = {.temperature = 0}})[0];
        for (int i = 0; i < 6; ++i) {
            const std::vector<double> all = whole_logits(m, ids), last = logits_at(all, int(ids.size()) - 1, m.V);
            ids.push_back(int32_t(std::max_element(last.begin(), last.end()) - last.begin()));
        }
        REQUIRE(text.ids == std::vector<int32_t>(ids.begin() + long(prompt), ids.end()));
        REQUIRE(text.finish == Finish::length);
    }
}

TEST_CASE("the repetition penalty covers the ids of the prompt and the generated ones") {
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        std::vector<int32_t> ids = {7, 2, 11};
        const size_t prompt = ids.size();
        auto model = scrambled<double>(m, DType::f64);
        Generator generator(*model, {});
        auto greedy = [&](double penalty) {
            const Sampling sampling = {.temperature = 0, .repetition_penalty = penalty};
            return generator.generate({{{7, 2, 11}, 0}}, {.max_tokens = 7, .sampling = sampling})[0].ids;
        };
        for (int i = 0; i < 7; ++i) {
            std::vector<double> last = logits_at(whole_logits(m, ids), int(ids.size()) - 1, m.V);
            for (int32_t id = 0; id < m.V; ++id)
                if (std::count(ids.begin(), ids.end(), id)) last[size_t(id)] *= last[size_t(id)] < 0 ? 3 : 1.0 / 3;
            ids.push_back(int32_t(std::max_element(last.begin(), last.end()) - last.begin()));
        }
        REQUIRE(greedy(3) == std::vector<int32_t>(ids.begin() + long(prompt), ids.end()));
        REQUIRE(greedy(3) != greedy(1));
    }
}

TEST_CASE("a prompt's continuation is the same alone, with others, and while others wait") {
    const GenerateOptions options = {.max_tokens = 4,
                                     .sampling = {.temperature = 0.9, .top_p = 0.95, .repetition_penalty = 1.1}};
    for (const ModelConfig& m : {tiny_gpt2(), tiny_llama()}) {
        auto model = scrambled<float>(m, DType::f32);
        std::vector<std::vector<int32_t>> alone;
        for (const Prompt& p : some_prompts()) {
            Generator generator(*model, {});
            alone.push_back(generator.generate({p}, options)[0].ids);
        }
        REQUIRE(alone[0] != alone[1]);
        for (Generator::Capacity capacity :
             {Generator::Capacity{5, 0, 128}, {5, 0, 5}, {2, 0, 3}, {1, 0, 1}, {3, 0, 4}}) {
            Generator generator(*model, capacity);
            const std::vector<Generated> together = generator.generate(some_prompts(), options);
            for (size_t i = 0; i < alone.size(); ++i) REQUIRE(together[i].ids == alone[i]);
        }
    }
}

TEST_CASE("the same seed gives the same text, also from the same generator, and another seed gives another text") {
    auto model = scrambled<float>(tiny_llama(), DType::f32);
    Generator generator(*model, {});
    auto text = [&](uint64_t seed) {
        return generator.generate({{{1, 2}, 0}}, {.max_tokens = 8, .sampling = {.seed = seed}})[0].ids;
    };
    const auto first = text(3);
    REQUIRE(text(3) == first);
    REQUIRE(text(4) != first);
    REQUIRE(text(3) == first);
}

TEST_CASE("a sequence ends for one of four reasons, which it reports") {
    auto model = scrambled<float>(tiny_gpt2(), DType::f32);
    Generator generator(*model, {});
    GenerateOptions options = {.max_tokens = 5, .sampling = {.seed = 21}};
    const Prompt prompt = {{4, 4, 2}, 0};
    const std::vector<int32_t> whole = generator.generate({prompt}, options)[0].ids;
    REQUIRE(whole.size() == 5);
    size_t at = 4;  // an id that did not occur before
    while (at > 0 && std::count(whole.begin(), whole.begin() + long(at), whole[at])) --at;
    const std::vector<int32_t> before(whole.begin(), whole.begin() + long(at));

    GenerateOptions ends = options;
    Generated text;
    for (const std::vector<int32_t>& several :
         {std::vector<int32_t>{whole[at]}, {1000, whole[at]}, {whole[at], 1000}}) {
        ends.ends_of_text = several;
        text = generator.generate({prompt}, ends)[0];
        REQUIRE(text.finish == Finish::end_of_text);
        REQUIRE(text.ids == before);
    }

    GenerateOptions stops = options;
    stops.stop_ids = {whole[at]};
    text = generator.generate({prompt}, stops)[0];
    REQUIRE(text.finish == Finish::stop);
    REQUIRE(text.ids == before);

    std::vector<int32_t> heard;
    text = generator.generate({prompt}, options, [&](int, int32_t id) {
        heard.push_back(id);
        return heard.size() < 2;
    })[0];
    REQUIRE(text.finish == Finish::stop);
    REQUIRE(text.ids == std::vector<int32_t>(whole.begin(), whole.begin() + 2));
    REQUIRE(heard == text.ids);

    text = generator.generate({prompt}, {.max_tokens = 100})[0];
    REQUIRE(text.finish == Finish::context);
    REQUIRE(text.ids.size() + prompt.ids.size() == size_t(longest));

    REQUIRE(std::string(name_of(Finish::length)) == "length");
    REQUIRE(std::string(name_of(Finish::end_of_text)) == "end_of_text");
}

TEST_CASE("the model's own end-of-text id ends a sequence if no other is given") {
    ModelConfig m = tiny_gpt2();
    auto endless = scrambled<float>(m, DType::f32);
    Generator first(*endless, {});
    const GenerateOptions options = {.max_tokens = 6, .sampling = {.temperature = 0}};
    m.end_of_text = first.generate({{{5, 6}, 0}}, options)[0].ids[0];
    auto model = scrambled<float>(m, DType::f32);
    Generator second(*model, {});
    const Generated text = second.generate({{{5, 6}, 0}}, options)[0];
    REQUIRE(text.ids.empty());
    REQUIRE(text.finish == Finish::end_of_text);
}

TEST_CASE("a callback receives every id of every prompt in order, with the index of the prompt") {
    auto model = scrambled<float>(tiny_llama(), DType::f32);
    Generator generator(*model, {.sequences = 2});
    std::vector<std::vector<int32_t>> heard(some_prompts().size());
    const auto texts = generator.generate(some_prompts(), {.max_tokens = 4}, [&](int prompt, int32_t id) {
        heard[size_t(prompt)].push_back(id);
        return true;
    });
    for (size_t i = 0; i < heard.size(); ++i) REQUIRE(heard[i] == texts[i].ids);
}

TEST_CASE("prompts that cannot be continued are refused by number before anything is generated") {
    auto model = scrambled<float>(tiny_gpt2(), DType::f32);
    Generator generator(*model, {.context = 6});
    REQUIRE(refusal(generator, {{{1}, 0}, {{}, 1}}).rfind("prompt 2 is empty", 0) == 0);
    REQUIRE(refusal(generator, {{random_ids(6, 19, 1), 0}}).find("6 tokens and the context is 6") != std::string::npos);
    REQUIRE(refusal(generator, {{{1, 19}, 0}}).rfind("prompt 1 has the token 19", 0) == 0);
    REQUIRE(refusal(generator, {{{-1}, 0}}).rfind("prompt 1 has the token -1", 0) == 0);
    REQUIRE(generator.generate({}, {}).empty());
    REQUIRE(generator.generate({{{1}, 0}}, {.max_tokens = 0})[0].ids.empty());
    REQUIRE(generator.generate({{random_ids(5, 19, 1), 0}}, {})[0].ids.size() == 1);
}

TEST_CASE("NaN weights end generation with an Error") {
    auto model = scrambled<float>(tiny_gpt2(), DType::f32);
    model->weights()[0].value.as<float>()[0] = std::nanf("");
    Generator generator(*model, {});
    REQUIRE_THROWS_AS(generator.generate({{{0}, 0}}, {}), Error);
}
