// Comparison with Hugging Face transformers: greedy continuations of the models in tests/goldens/models, logits of
// those in tests/goldens/folders.
#include <catch2/catch.hpp>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/weights.h"
#include "engine/generate/generator.h"
#include "tokenizer/tokenizer.h"

using namespace gradus;

namespace {

constexpr long prompt_length = 5;  // of the first row of tokens

std::vector<int32_t> integers(const SafetensorsFile& file, const std::string& name) {
    const auto* entry = file.find(name);
    REQUIRE(entry);
    REQUIRE(entry->dtype == "I32");
    std::vector<int32_t> values(entry->bytes / sizeof(int32_t));
    std::memcpy(values.data(), entry->data, entry->bytes);
    return values;
}

}  // namespace

TEST_CASE("greedy text of the golden models equals that of transformers") {
    for (const std::string name : {"gpt2", "llama", "llama-tied"}) {
        const fs::path folder = fs::path(GRADUS_ROOT) / "tests/goldens/models" / name;
        INFO(folder);
        const SafetensorsFile golden(folder / "golden.safetensors");
        const std::vector<int32_t> tokens = integers(golden, "tokens"), greedy = integers(golden, "greedy");
        REQUIRE(greedy.size() == 12);

        ModelConfig m = read_model_config(folder);
        m.end_of_text = -1;  // the golden continues after it
        for (DType dtype : {DType::f32, DType::f64}) {
            auto model = make_language_model(reference_ops(), m, dtype);
            load_weights(*model, folder);
            Generator generator(*model, {});
            const Prompt prompt = {{tokens.begin(), tokens.begin() + prompt_length}, 0};
            const auto text = generator.generate({prompt}, {.max_tokens = 12, .sampling = {.temperature = 0}});
            REQUIRE(text[0].ids == greedy);
        }
    }
}

// The golden logits are in double precision, weights and sums in f32: 1e-4 is ten times their difference.
TEST_CASE("the logits after a prompt equal those of transformers, for folders with its defaults") {
    const fs::path goldens = fs::path(GRADUS_ROOT) / "tests/goldens/folders";
    const nlohmann::json golden = nlohmann::json::parse(read_file(goldens / "golden.json"));
    for (const std::string name : {"gpt2", "llama"})
        for (const Ops* ops : {&reference_ops(), &cpu_ops()}) {
            const Tokenizer tokenizer = Tokenizer::load(goldens / name);
            auto model = make_language_model(*ops, read_model_config(goldens / name), DType::f32);
            load_weights(*model, goldens / name);
            CachedStep step(*model, 1, 32, 32);
            REQUIRE(golden[name]["next"].size() == 3);
            for (const auto& [prompt, expected] : golden[name]["next"].items()) {
                INFO(name << " after '" << prompt << "'");
                std::vector<int32_t> ids = tokenizer.parts().opening;
                for (const int32_t id : tokenizer.encode(prompt)) ids.push_back(id);
                step.begin();
                for (size_t i = 0; i + 1 < ids.size(); ++i) step.add({ids[i], 0, int32_t(i)});
                const int wanted = step.add_wanted({ids.back(), 0, int32_t(ids.size()) - 1});
                step.run();
                const std::span<const float> logits = step.logits(wanted);
                REQUIRE(logits.size() == expected.size());
                for (size_t id = 0; id < logits.size(); ++id) {
                    INFO("id " << id);
                    REQUIRE(logits[id] == Approx(expected[id].get<double>()).epsilon(0).margin(1e-4));
                }
            }
        }
}
