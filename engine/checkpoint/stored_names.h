#pragma once
// The names of a weight's tensors in a Hugging Face folder.
#include "engine/models/family.h"

namespace gradus {

struct StoredNames {
    std::vector<ExternalTensor> tensors;  // in the order of the weight's rows
    std::string prefix;                   // before each name; files without it are read as well
};

// Weights of the body have the family's names and prefix. The language head has a fixed name without a prefix; any
// other head is stored under its own name.
inline StoredNames stored_names(const ModelConfig& m, const std::string& name, const Spec& whole) {
    const Family& family = family_named(m.family);
    const bool of_body = name == "wte" || name == "wpe" || name.starts_with("norm.") || name.starts_with("block.");
    if (of_body) return {family.external(m, name, whole), family.prefix};
    if (name == "head") return {family.external(m, name, whole), ""};
    return {{{name, 0, whole.shape.rank == 2 ? whole.shape.dim[0] : 1, false}}, ""};
}

}  // namespace gradus
