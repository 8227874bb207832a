#pragma once
// What makes a family a family, apart from its mathematics: its config.json and its names on the Hugging Face side.
// A new architecture is one such file and one line in registry.cpp.
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

struct FamilyFiles {
    // config.json → ModelConfig. Error names the key that is missing, of another type or not supported.
    ModelConfig (*read_config)(const nlohmann::json&, const std::string& file);
    nlohmann::json (*write_config)(const ModelConfig&, const char* torch_dtype);
    // The external tensors of a weight, in the order of its rows.
    std::vector<ExternalTensor> (*external)(const ModelConfig&, const std::string& name, const Spec&);
    // Written before every name but the head's ("transformer."); files without it are read as well.
    const char* prefix;
};

// The head's name, in every family and without a prefix.
inline constexpr const char* head_tensor = "lm_head.weight";

const FamilyFiles& files_of(Family);
// By config.json's model_type; Error lists what is supported.
Family family_of(const nlohmann::json& config, const std::string& file);

}  // namespace gradus
