#pragma once
// Families of models: what belongs to one apart from its mathematics, which is chosen by ModelConfig
// (engine/models/config.h).
//
// To add a family whose mathematics ModelConfig can express:
//
//   1. write engine/models/NAME.cpp with one function `const Family& NAME_family()`, after gpt2.cpp or llama.cpp: named
//      shapes, config.json in and out, the names of its weights, and what it refuses;
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

// One tensor of a Hugging Face file that holds rows [first_row, first_row + rows) of one of our weights.
struct ExternalTensor {
    std::string name;
    int64_t first_row = 0, rows = 0;  // of the weight seen as [rows, last]
    bool transposed = false;          // GPT-2's Conv1D keeps [in, out]
};

// A tensor in Hugging Face files that is no weight, because the program computes what it holds.
struct ComputedTensor {
    enum Content { causal_mask, masked_score, rotary_frequencies };
    const char* ending;  // of its name
    Content content;
};

struct NamedShape {
    const char* name;
    ModelConfig config;
    std::vector<const char*> other_names = {};  // in small letters with underscores
};

struct Family {
    const char* name;     // model.family, and model_type in config.json
    const char* title;    // "GPT-2"
    const char* summary;  // of its mathematics, for --help-settings
    std::vector<const char*> other_names;

    ModelConfig defaults;  // what is not a size
    std::vector<NamedShape> shapes;
    std::vector<Activation> activations;           // those that it may be computed with
    int64_t (*feed_forward_width)(int64_t width);  // F of a shape that does not say
    const char* feed_forward_text;                 // the same in words, for --help-settings: "4 x width"
    bool free_heads;                               // a head may have any width, and heads may share keys and values

    // config.json → ModelConfig. Error names the key that is missing, of another type or not supported.
    ModelConfig (*read_config)(const nlohmann::json&, const std::string& file);
    nlohmann::json (*write_config)(const ModelConfig&, const char* torch_dtype);
    // The external tensors of a weight, in the order of its rows.
    std::vector<ExternalTensor> (*external)(const ModelConfig&, const std::string& name, const Spec&);
    const char* classifier;  // transformers' class for a scalar head
    // Written before every name but the head's ("transformer."); files without it are read as well.
    const char* prefix;
    std::vector<ComputedTensor> computed = {};
    // Error where a config is not one of this family; what holds for every model is checked by validate().
    void (*check)(const ModelConfig&, const std::string& where) = nullptr;
};

// The head's name, in every family and without a prefix.
inline constexpr const char* head_tensor = "lm_head.weight";

const std::vector<const Family*>& families();
// By ModelConfig::family.
const Family& family_named(const std::string& name);
// By config.json's model_type; Error lists what is supported.
const Family& family_of(const nlohmann::json& config, const std::string& file);
// "GPT-2 or LLaMA"
std::string titles_of_families();

}  // namespace gradus
