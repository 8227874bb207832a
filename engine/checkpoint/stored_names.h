#pragma once
// The names under which a weight is stored in a folder of Hugging Face's form.
#include "engine/models/family.h"

namespace gradus {

struct StoredNames {
    std::vector<ExternalTensor> tensors;  // in the order of the weight's rows
    std::string prefix;                   // before each name; files without it are read as well
};

// The body's weights have the family's names and prefix. The language head has its one name, without a prefix; any other head
// is stored under its own name.
inline StoredNames stored_names(const ModelConfig& m, const std::string& name, const Spec& whole) {
    const Family& family = family_named(m.family);
    const bool of_body = name == "wte" || name == "wpe" || name.starts_with("norm.") || name.starts_with("block.");
    if (of_body) return {family.external(m, name, whole), family.prefix};
    if (name == "head") return {family.external(m, name, whole), ""};
    return {{{name, 0, whole.shape.rank == 2 ? whole.shape.dim[0] : 1, false}}, ""};
}

}  // namespace gradus
