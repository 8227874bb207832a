#include "tools/bench/rollout.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "align/rollouts/rollout.h"
#include "engine/base/log.h"
#include "engine/base/philox.h"
#include "engine/initialise.h"
#include "tools/bench/rounds.h"

namespace gradus {

namespace {

std::vector<std::vector<int32_t>> random_prompts(int count, int tokens, int V) {
    std::vector<std::vector<int32_t>> prompts(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
        const Philox ids{key_of(1, i)};
        for (int t = 0; t < tokens; ++t) prompts[size_t(i)].push_back(int32_t(ids.uniform(uint64_t(t), 0) * V));
    }
    return prompts;
}

}  // namespace

void bench_rollout(const RolloutBench& o) {
    const Resolved resolved = resolve_bench(generation_bench_config("bench rollout", o.model, o.compute, o.set));
    const Config& c = resolved.config;
    use_threads(int(c.train.threads));
    const ModelConfig& m = resolved.model;
    const int length = o.prompt_tokens + o.tokens;
    if (length > m.context)
        throw Error(fmt::format("prompts of {} tokens and answers of {} are too long", o.prompt_tokens, o.tokens),
                    fmt::format("the model has {} positions", m.context),
                    fmt::format("--tokens {}", std::max(1, m.context - o.prompt_tokens)));
    for (const std::string& text : resolved.notes) note(text);
    const Ops& ops = ops_of(c.train, std::max(int(c.train.gpu), 0));
    auto model = make_language_model(ops, m, resolved.dtype, {}, {.graphs = resolved.mode.graphs});
    initialise(*model, resolved.trainer.seed);
    const auto prompts = random_prompts(o.prompts, o.prompt_tokens, m.V);
    Generator many(*model, {.sequences = o.prompts, .context = length, .rows = std::max(128, 2 * o.prompts)}),
        one(*model, {.sequences = 1, .context = length});

    // Tokens drawn per second, with the time that the prompts take. No id ends an answer.
    const auto speed = [&](Generator& generator, size_t count, int round) {
        const std::vector<std::vector<int32_t>> chosen(prompts.begin(), prompts.begin() + std::ptrdiff_t(count));
        const auto start = Clock::now();
        const auto answers = roll_out(generator, chosen, {.max_tokens = o.tokens, .seed = uint64_t(round)});
        double drawn = 0;
        for (const Rollout& a : answers) drawn += a.answer_length();
        return drawn / seconds_since(start);
    };
    std::vector<double> together, alone, ratios;
    for (int round = 0; round <= o.rounds; ++round) {  // the first warms up
        const double t = speed(many, prompts.size(), round), a = speed(one, 1, round);
        if (round == 0) continue;
        together.push_back(t);
        alone.push_back(a);
        ratios.push_back(t / a);
    }
    if (o.json) {
        const nlohmann::ordered_json line = {{"model", c.model.name},
                                             {"dtype", c.train.dtype},
                                             {"settings", o.set},
                                             {"threads", threads_in_use()},
                                             {"prompts", o.prompts},
                                             {"prompt_tokens", o.prompt_tokens},
                                             {"tokens", o.tokens},
                                             {"tokens_per_second", median(together)},
                                             {"tokens_per_second_alone", median(alone)},
                                             {"ratio", median(ratios)}};
        fmt::print("{}\n", line.dump());
        return;
    }
    fmt::print("{} {}  prompts of {} tokens, answers of {}  {} threads\n", c.model.name, c.train.dtype, o.prompt_tokens,
               o.tokens, threads_in_use());
    fmt::print("{:<4} at once  {:9.1f} tokens/s\n", o.prompts, median(together));
    fmt::print("one alone     {:9.1f} tokens/s\n", median(alone));
    fmt::print("ratio         {:9.1f}          median of {} rounds, in turns\n", median(ratios), o.rounds);
}

}  // namespace gradus
