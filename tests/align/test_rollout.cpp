// Answers of a policy to prompts: align/rollouts/rollout.h.
#include <catch2/catch.hpp>

#include "align/batches/language_pass.h"
#include "align/rollouts/rollout.h"
#include "engine/initialise.h"
#include "tests/align/models.h"

using namespace gradus;

namespace {

const std::vector<std::vector<int32_t>> prompts = {{3}, {4, 5, 6}, {1, 2}, {3, 3, 3, 3}, {7}, {3}};
const RolloutOptions options = {.max_tokens = 6, .temperature = 1.2, .seed = 5, .ends = {0, 2}};

std::vector<Rollout> rollouts(LanguageModel& model, int at_once, const std::vector<std::vector<int32_t>>& of = prompts,
                              uint64_t first_stream = 0) {
    Generator generator(model, {.sequences = at_once});
    RolloutOptions o = options;
    o.first_stream = first_stream;
    return roll_out(generator, of, o);
}

std::unique_ptr<LanguageModel> scrambled(const ModelConfig& m) {
    auto model = make_language_model(reference_ops(), m, DType::f64, {4, 11});
    test::scramble<double>(*model);
    return model;
}

}  // namespace

TEST_CASE("rollouts are the same however many are generated at once, and one prompt's random numbers are its own") {
    const auto model = scrambled(test::tiny_llama());
    const auto together = rollouts(*model, 6), two = rollouts(*model, 2), last = rollouts(*model, 1, {prompts[5]}, 5);
    for (size_t i = 0; i < prompts.size(); ++i) REQUIRE(together[i].text.ids == two[i].text.ids);
    REQUIRE(last[0].text.ids == together[5].text.ids);
    REQUIRE(together[5].text.ids != together[0].text.ids);  // the same prompt, another stream
}

TEST_CASE("an answer ends with the id that ended it, which is learnt, or is cut at its longest") {
    const auto model = scrambled(test::tiny_gpt2());
    int ended = 0, cut = 0;
    for (uint64_t stream = 0; stream < 10; ++stream)
        for (const Rollout& r : rollouts(*model, 3, prompts, stream * 100)) {
            REQUIRE(r.answer_length() >= 1);
            REQUIRE(r.answer_length() <= options.max_tokens);
            for (int t = 0; t < r.text.size(); ++t) {
                const int32_t id = r.text.ids[size_t(t)];
                const bool is_end = t >= r.prompt_length && (id == 0 || id == 2);
                REQUIRE(r.text.learnt[size_t(t)] == (t >= r.prompt_length));
                REQUIRE(is_end == (r.ended && t + 1 == r.text.size()));
            }
            ++(r.ended ? ended : cut);
            if (!r.ended) REQUIRE(r.answer_length() == options.max_tokens);
        }
    REQUIRE(ended > 5);
    REQUIRE(cut > 5);
}

TEST_CASE("what the generator says of its draws is what the trainer's forward pass says, up to rounding") {
    const auto model = scrambled(test::tiny_llama());
    Generator generator(*model, {.sequences = 2});
    const std::vector<int32_t> prompt = {3, 4, 5};
    generator.add({prompt, 9}, {.max_tokens = 5, .sampling = {.temperature = options.temperature, .seed = 5}});
    std::vector<double> drawn;
    while (generator.step())
        for (const Drawn& d : generator.poll()) drawn.push_back(d.log_prob);

    RolloutOptions o = options;
    o.max_tokens = 5;
    o.first_stream = 9;
    o.ends = {};
    const auto again = roll_out(generator, {prompt}, o);
    LanguagePass pass(*model, options.temperature);
    const Sequences texts = joined({again[0].text});
    const auto log_probs = pass.log_probs(pack(texts, 4, 11), texts);
    REQUIRE(drawn.size() == 5);
    for (size_t t = 0; t < 5; ++t) REQUIRE(std::abs(log_probs[prompt.size() + t] - drawn[t]) <= 1e-12);
}
