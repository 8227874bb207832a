// Greedy continuations of the models in tests/goldens/models, as Hugging Face transformers makes them.
#include <catch2/catch.hpp>
#include <cstring>

#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/weights.h"
#include "engine/generate/generator.h"

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

TEST_CASE("greedy text of the golden models is what transformers continues them with") {
    for (const std::string name : {"gpt2", "llama", "llama-tied"}) {
        const fs::path folder = fs::path(GRADUS_ROOT) / "tests/goldens/models" / name;
        INFO(folder);
        const SafetensorsFile golden(folder / "golden.safetensors");
        const std::vector<int32_t> tokens = integers(golden, "tokens"), greedy = integers(golden, "greedy");
        REQUIRE(greedy.size() == 12);

        ModelConfig m = read_model_config(folder);
        m.end_of_text = -1;  // the golden goes on after it
        for (DType dtype : {DType::f32, DType::f64}) {
            auto model = make_model(reference_ops(), m, dtype, {});
            load_weights(*model, folder);
            Generator generator(*model, {});
            const Prompt prompt = {{tokens.begin(), tokens.begin() + prompt_length}, 0};
            const auto text = generator.generate({prompt}, {.max_tokens = 12, .sampling = {.temperature = 0}});
            REQUIRE(text[0].ids == greedy);
        }
    }
}
