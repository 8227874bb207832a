// The list of families, and look-ups by name.
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/one_line.h"
#include "engine/base/suggest.h"
#include "engine/models/config_reader.h"
#include "engine/models/family.h"

namespace gradus {

const Family& gpt2_family();
const Family& llama_family();

const std::vector<const Family*>& families() {
    static const std::vector<const Family*> all = {
        &gpt2_family(),
        &llama_family(),
    };
    return all;
}

const Family& family_named(const std::string& name) {
    for (const Family* f : families())
        if (f->name == name) return *f;
    check_failed("a family of families()", __FILE__, __LINE__, name);
}

const Family& family_of(const nlohmann::json& config, const std::string& file) {
    const std::string type = ConfigReader(config, file).text_or("model_type", "");
    std::string names;
    for (const Family* f : families()) {
        if (f->name == type) return *f;
        names += (names.empty() ? "" : " or ") + std::string(f->name);
    }
    throw Error("'" + file + "' describes a model of type '" + on_one_line(type, 60) + "'",
                "model_type must be " + names, "choose a " + titles_of_families() + " model");
}

std::string titles_of_families() {
    std::string titles;
    for (const Family* f : families()) titles += (titles.empty() ? "" : " or ") + std::string(f->title);
    return titles;
}

ModelConfig named_model(const std::string& name) {
    std::vector<std::string> names;
    std::vector<Synonym> other_names;
    std::string list;
    for (const Family* f : families())
        for (const NamedShape& shape : f->shapes) {
            if (name == shape.name) return shape.config;
            names.push_back(shape.name);
            list += (list.empty() ? "" : ", ") + names.back();
            for (const char* other : shape.other_names) other_names.push_back({other, shape.name});
        }
    std::string near = name_by_synonym(name, other_names);
    if (near.empty()) near = nearest_name(name, names);
    throw Error("there is no model named '" + name + "'", "the names are " + list,
                near.empty() ? "use one of them" : "did you mean '" + near + "'?");
}

}  // namespace gradus
