// Generation on a device: with a KV cache it computes the same as the full forward pass.
#include <catch2/catch.hpp>

#include "engine/generate/generator.h"
#include "tests/engine/device/device_model.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int longest = 11;  // context of the tiny models

std::vector<int32_t> some_ids(int n, int V) {
    std::mt19937 rng(5);
    std::vector<int32_t> ids(static_cast<size_t>(n));
    for (int32_t& id : ids) id = int32_t(rng() % unsigned(V));
    return ids;
}

// Logits [T,V] of every position, from a full forward pass.
std::vector<double> whole_logits(const Ops& ops, const ModelConfig& m, DType dtype, const std::vector<int32_t>& ids) {
    Bench bench(ops, m, dtype, {.B = 1, .T = int(ids.size())});
    scramble_on(*bench.model);
    HostBatch host(1, int(ids.size()));
    host.tokens = ids;
    bench.upload(host);
    logits_of(*bench.model, bench.batch, bench.logits);
    return read(ops, bench.logits);
}

}  // namespace

TEST_CASE("the logits of every cached step on the device equal those of the full forward pass at that position") {
    for (const auto& [name, m] : tiny_models())
        for (DType dtype : {DType::f32, DType::bf16}) {
            const std::vector<int32_t> ids = some_ids(longest, m.V);
            const std::vector<double> whole = whole_logits(tested().device, m, dtype, ids),
                                      truth = whole_logits(reference_ops(), m, DType::f64, ids);
            const double bound = dtype == DType::f32 ? 1e-5 : 3e-2;
            INFO(name << " in " << name_of(dtype));
            REQUIRE(relative(whole, truth) <= bound);

            auto model = make_language_model(tested().device, m, dtype);
            scramble_on(*model);
            CachedStep step(*model, 1, longest, 4);
            // The first piece of three rows, then row by row.
            for (int position = 0; position < longest;) {
                step.begin();
                while (position < 2) step.add({ids[size_t(position)], 0, position}), ++position;
                const int row = step.add_wanted({ids[size_t(position)], 0, position});
                step.run();
                const std::span<const float> logits = step.logits(row);
                const std::vector<double> got(logits.begin(), logits.end()),
                    want(whole.begin() + position * m.V, whole.begin() + (position + 1) * m.V);
                INFO("position " << position);
                REQUIRE(relative(got, want) <= bound);
                ++position;
            }
        }
}

TEST_CASE("the logits of several rows of a step on the device can be read one after the other") {
    for (const auto& [name, m] : tiny_models()) {
        const std::vector<int32_t> ids = some_ids(2, m.V);
        auto model = make_language_model(tested().device, m, DType::f32);
        scramble_on(*model);
        const auto first_logits = [&](int sequences, int wanted) {
            CachedStep step(*model, sequences, longest, 4);
            step.begin();
            for (int s = 0; s < sequences; ++s) step.add_wanted({ids[size_t(s + 2 - sequences)], s, 0});
            step.run();
            std::vector<double> logits;
            for (int row = 0; row <= wanted; ++row) {
                const std::span<const float> of_row = step.logits(row);
                logits.assign(of_row.begin(), of_row.end());
            }
            return logits;
        };
        INFO(name);
        REQUIRE(relative(first_logits(2, 1), first_logits(1, 0)) <= 1e-6);
        REQUIRE(relative(first_logits(2, 0), first_logits(1, 0)) > 1e-3);
    }
}

namespace {

// Every configuration of the device generates the same text as the reference.
void same_texts(const std::vector<Prompt>& prompts, const Generator::Capacity& capacity) {
    const GenerateOptions options = {.max_tokens = 5, .sampling = {.temperature = 0.9, .top_p = 0.95}};
    for (const auto& [name, m] : tiny_models()) {
        const auto texts = [&, m = m](const Ops& ops) {
            auto model = make_language_model(ops, m, DType::f32);
            scramble_on(*model);
            Generator generator(*model, capacity);
            std::vector<std::vector<int32_t>> all;
            for (const Generated& g : generator.generate(prompts, options)) all.push_back(g.ids);
            return all;
        };
        const auto want = texts(reference_ops());
        for (const Configuration& configuration : tested().configurations) {
            const InConfiguration now(configuration);
            INFO(name << ", " << configuration.name);
            REQUIRE(texts(tested().device) == want);
        }
    }
}

}  // namespace

TEST_CASE("the device generates the reference's text for several prompts at once, in every configuration") {
    same_texts({{{3, 1, 4, 1, 5}, 0}, {{9}, 1}, {{2, 6, 5, 3, 5, 8, 9, 7}, 2}}, {2, 0, 5});
}

TEST_CASE("the device generates the reference's text after a prompt of several pieces, in every configuration") {
    for (int rows : {1, 2, 3}) {
        INFO(rows << " rows in a piece");
        same_texts({{{2, 6, 5, 3, 5, 8, 9, 7}, 2}, {{3, 1, 4, 1, 5, 9, 2}, 1}}, {1, 0, rows});
    }
}
