// Generation with graphs on a device: the same tokens as without, and the host's calls.
#include <catch2/catch.hpp>

#include "engine/generate/generator.h"
#include "tests/engine/device/device_model.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// What the host asks of the device.
struct Calls {
    int captures = 0, replays = 0, waits = 0, to_host = 0, attentions = 0;
};
Calls calls;

const Ops& watched_device() {
    static const Ops table = [] {
        Ops ops = tested().device;
        ops.begin_capture = [](Stream s) { ++calls.captures, tested().device.begin_capture(s); };
        ops.replay = [](Graph g, Stream s) { ++calls.replays, tested().device.replay(g, s); };
        ops.synchronise = [](Stream s) { ++calls.waits, tested().device.synchronise(s); };
        ops.copy_to_host = [](void* host, const void* device, size_t bytes, Stream s) {
            ++calls.to_host, tested().device.copy_to_host(host, device, bytes, s);
        };
        ops.attention_cached = [](const AttentionCached& a, Stream s) {
            ++calls.attentions, tested().device.attention_cached(a, s);
        };
        return ops;
    }();
    return table;
}

std::unique_ptr<LanguageModel> model_of(const Ops& ops, const ModelConfig& m, DType dtype, bool graphs) {
    auto model = make_language_model(ops, m, dtype, {}, {.graphs = graphs});
    scramble_on(*model);
    return model;
}

std::vector<Generated> texts(const Ops& ops, const ModelConfig& m, DType dtype, bool graphs,
                             const std::vector<Prompt>& prompts, const Generator::Capacity& capacity, int tokens) {
    const auto model = model_of(ops, m, dtype, graphs);
    Generator generator(*model, capacity);
    const Sampling sampling = {.temperature = 0.9, .top_p = 0.95, .repetition_penalty = 1.1};
    return generator.generate(prompts, {.max_tokens = tokens, .sampling = sampling});
}

// Ids and log-probabilities.
auto drawn(const std::vector<Generated>& all) {
    std::vector<std::pair<std::vector<int32_t>, std::vector<double>>> list;
    for (const Generated& g : all) list.emplace_back(g.ids, g.log_probs);
    return list;
}

std::vector<Prompt> prompts_of(int count, int V) {
    std::vector<Prompt> prompts;
    std::mt19937 rng(3);
    for (int i = 0; i < count; ++i) {
        Prompt p = {.stream = uint64_t(i)};
        for (int n = 0; n <= i % 4; ++n) p.ids.push_back(int32_t(rng() % unsigned(V)));
        prompts.push_back(p);
    }
    return prompts;
}

ModelConfig with_context(ModelConfig m, int context) {
    m.context = context;
    return m;
}

}  // namespace

TEST_CASE("generation with graphs has the tokens and log-probabilities of generation without, in every configuration") {
    if (!tested().device.has_graphs()) return;
    for (const auto& [name, m] : tiny_models())
        for (DType dtype : {DType::f32, DType::bf16}) {
            const auto prompts = prompts_of(7, m.V);
            const auto run = [&, m = m](bool graphs) {
                return drawn(texts(tested().device, m, dtype, graphs, prompts, {.sequences = 5, .rows = 8}, 6));
            };
            const auto want = run(false);
            for (const Configuration& configuration : tested().configurations) {
                const InConfiguration now(configuration);
                INFO(name << " in " << name_of(dtype) << ", " << configuration.name);
                REQUIRE(run(true) == want);
            }
        }
}

TEST_CASE("a replayed step stays right as positions grow, up to the reference's text") {
    if (!tested().device.has_graphs()) return;
    const ModelConfig m = with_context(tiny_llama(), 70);
    const std::vector<Prompt> prompts = {{{3, 1}, 0}, {{9}, 1}};
    const auto ids = [&](const Ops& ops, bool graphs) {
        std::vector<std::vector<int32_t>> all;
        for (const Generated& g : texts(ops, m, DType::f32, graphs, prompts, {.sequences = 2}, 66))
            all.push_back(g.ids);
        return all;
    };
    const auto got = ids(tested().device, true);
    REQUIRE(got[0].size() + got[1].size() > 66);
    REQUIRE(got == ids(reference_ops(), false));
}

TEST_CASE(
    "a token costs a replay, one copy to the host and one wait, and a graph serves every later step of its size") {
    if (!tested().device.has_graphs()) return;
    const ModelConfig m = tiny_gpt2();
    const auto model = model_of(watched_device(), m, DType::f32, true);
    Generator generator(*model, {.sequences = 3});
    const auto generate = [&](int count) {
        calls = {};
        generator.generate(prompts_of(count, m.V), {.max_tokens = 5});
    };
    generate(1);  // five steps of one row, the first with the prompt
    REQUIRE(calls.captures == 1);
    REQUIRE(calls.replays == 4);
    REQUIRE(calls.attentions == 2 * m.L);
    REQUIRE(calls.to_host == 5);
    REQUIRE(calls.waits == 5);
    generate(1);
    REQUIRE(calls.captures == 0);
    REQUIRE(calls.attentions == 0);
    REQUIRE(calls.replays == 5);
    generate(3);  // a first step with several rows of some prompts, then steps of three rows
    REQUIRE(calls.captures == 1);
    REQUIRE(calls.replays == 3);
}

TEST_CASE("steps are padded to a power of two, above eight to a multiple of eight, and to no more than the sequences") {
    const ModelConfig m = tiny_gpt2();
    auto model = model_of(tested().device, m, DType::f32, false);
    CachedStep many(*model, 21, m.context, 21), few(*model, 3, m.context, 8);
    const auto padded = [](const CachedStep& step, std::initializer_list<int> rows) {
        std::vector<int> all;
        for (int n : rows) all.push_back(step.padded_rows(n));
        return all;
    };
    if (tested().device.has_graphs()) {
        REQUIRE(padded(many, {1, 2, 3, 5, 8, 9, 16, 17, 21}) == std::vector{1, 2, 4, 8, 8, 16, 16, 21, 21});
        REQUIRE(padded(few, {1, 2, 3}) == std::vector{1, 2, 3});
    }
    model = model_of(reference_ops(), m, DType::f32, false);
    REQUIRE(CachedStep(*model, 21, m.context, 21).padded_rows(5) == 5);
}

TEST_CASE("padding rows of a free place change no other row, also after the place is used") {
    const ModelConfig m = tiny_gpt2();
    const auto logits_of = [&](bool padded) {
        auto model = model_of(tested().device, m, DType::f32, true);
        CachedStep step(*model, 4, m.context, 4);
        std::vector<float> all;
        for (int position = 0; position < 4; ++position) {
            step.begin();
            const int row = step.add_wanted({3 + position, 2, position});
            if (position == 3) step.add_wanted({7, 0, 0});  // the place of the padding begins
            if (padded && position < 3) step.add_padding(0), step.add_padding(3);
            step.run();
            const std::span<const float> logits = step.logits(row);
            all.insert(all.end(), logits.begin(), logits.end());
            if (position < 3) REQUIRE(step.device_logits().shape.dim[1] == 1);
            else {
                const std::span<const float> other = step.logits(1);
                all.insert(all.end(), other.begin(), other.end());
            }
        }
        return std::vector<double>(all.begin(), all.end());
    };
    REQUIRE(relative(logits_of(true), logits_of(false)) <= 1e-6);
}
