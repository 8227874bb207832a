#pragma once
// Families of models: everything about a family except its mathematics, which ModelConfig selects
// (engine/models/config.h).
//
// To add a family whose mathematics ModelConfig can express:
//
//   1. write engine/models/NAME.cpp with one function `const Family& NAME_family()`, after gpt2.cpp or llama.cpp: named
//      shapes, reading and writing config.json, the names of its weights, and checks;
//   2. add a line to registry.cpp.
//
// The settings (model.family, model.name, their help and "did you mean"), `gradus plan`, checkpoints and the readers of
// Hugging Face folders work from that list.
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "engine/models/config.h"
#include "engine/spec.h"

namespace gradus {

// A tensor of a Hugging Face file that has rows [first_row, first_row + rows) of one of our weights.
struct ExternalTensor {
    std::string name;
    int64_t first_row = 0, rows = 0;  // of the weight seen as [rows, last]
    bool transposed = false;          // GPT-2's Conv1D stores [in, out]
};

// A tensor in Hugging Face files that is not a weight but a constant, which this program computes.
struct ComputedTensor {
    enum Content { causal_mask, masked_score, rotary_frequencies };
    const char* ending;  // of its name
    Content content;
};

struct NamedShape {
    const char* name;
    ModelConfig config;
    std::vector<const char*> other_names = {};  // in lower case with underscores
};

struct Family {
    const char* name;     // model.family, and model_type in config.json
    const char* title;    // "GPT-2"
    const char* summary;  // for --help-settings
    std::vector<const char*> other_names;

    ModelConfig defaults;  // of everything but sizes
    std::vector<NamedShape> shapes;
    std::vector<Activation> activations;           // the supported ones
    int64_t (*feed_forward_width)(int64_t width);  // default F
    const char* feed_forward_text;                 // the same in words, for --help-settings: "4 x width"
    bool free_heads;                               // a head may have any width, and heads may share keys and values

    // config.json → ModelConfig. Error names the key that is missing, of another type or not supported.
    ModelConfig (*read_config)(const nlohmann::json&, const std::string& file);
    nlohmann::json (*write_config)(const ModelConfig&, const char* torch_dtype);
    // The external tensors of a weight, in the order of its rows.
    std::vector<ExternalTensor> (*external)(const ModelConfig&, const std::string& name, const Spec&);
    const char* classifier;  // transformers' class for a scalar head
    // Prefix of every name but the head's ("transformer."); it is written, and optional when reading.
    const char* prefix;
    std::vector<ComputedTensor> computed = {};
    // Error if a config is not valid for this family; validate() has the checks for all families.
    void (*check)(const ModelConfig&, const std::string& where) = nullptr;
};

// The head's name in every family, without a prefix.
inline constexpr const char* head_tensor = "lm_head.weight";

const std::vector<const Family*>& families();
// By ModelConfig::family.
const Family& family_named(const std::string& name);
// By config.json's model_type; Error lists what is supported.
const Family& family_of(const nlohmann::json& config, const std::string& file);
// "GPT-2 or LLaMA"
std::string titles_of_families();

}  // namespace gradus
