// Reads a folder's config.json together with its weights and its generation_config.json.
#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/one_line.h"
#include "engine/checkpoint/stored_tensors.h"
#include "engine/checkpoint/weights.h"
#include "engine/heads/scalar.h"
#include "engine/models/config_reader.h"
#include "engine/models/family.h"

namespace gradus {

namespace {

using nlohmann::json;

constexpr const char* end_ids = "eos_token_id";

// Whether the folder has a head that differs from the embedding, whatever its config.json says.
bool head_differs(const fs::path& folder, const ModelConfig& m) {
    if (!StoredTensors::are_in(folder)) return false;
    const StoredTensors stored(folder);
    const Family& family = family_named(m.family);
    const ExternalTensor wte = family.external(m, "wte", Spec{.shape = {m.V, m.C}}).front();
    const auto *embedding = stored.find(wte.name, family.prefix), *head = stored.find(head_tensor);
    return embedding && head && !same_content(*embedding->entry, *head->entry);
}

// The end-of-text ids in one file; those outside the vocabulary are left out and noted.
std::vector<int32_t> ends_of(const json& described, const fs::path& file, int V, std::vector<std::string>& notes) {
    const auto said = described.find(end_ids);
    if (said == described.end() || said->is_null()) return {};
    std::vector<int32_t> ends;
    const json list = said->is_array() ? *said : json::array({*said});
    for (const json& id : list) {
        if (const auto known = id_below(V, id)) ends.push_back(*known);
        else
            notes.push_back("'" + file.string() + "' has the end-of-text id " + on_one_line(id.dump(), 40) +
                            ", which is not an id of a " + "vocabulary of " + std::to_string(V) + ": it is ignored");
    }
    return ends;
}

// generation_config.json is optional: an unreadable one is noted and ignored.
json read_generation_config(const fs::path& path, std::vector<std::string>& notes) {
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) return json::object();
    JsonText read = try_parse_json(read_file(path));
    if (read.problem.empty() && !read.value.is_object()) read.problem = "it is not a JSON object";
    if (read.problem.empty()) return std::move(read.value);
    notes.push_back("'" + path.string() + "' is ignored: " + read.problem);
    return json::object();
}

}  // namespace

FolderModel describe_model(const fs::path& folder) {
    const fs::path path = folder / "config.json", generation = folder / "generation_config.json";
    const json config =
        parse_json(read_file(path), path.string(), "copy or download the folder again, or correct that place by hand");
    const Family& family = family_of(config, path.string());
    FolderModel model = {family.read_config(config, path.string()), {}, {}, config.contains("transformers_version")};
    ModelConfig& m = model.config;
    if (config.contains("initializer_range") && !config["initializer_range"].is_number())
        model.notes.push_back("'" + path.string() + "': \"initializer_range\" is not a number and is ignored");
    if (m.tied && head_differs(folder, m)) {
        m.tied = false;
        model.notes.push_back("'" + folder.string() + "' has a head that differs from the embedding, although its " +
                              "config.json ties them: the head is used; set \"tie_word_embeddings\": false there");
    }
    const json advice = read_generation_config(generation, model.notes);
    model.ends = ends_of(advice, generation, m.V, model.notes);
    const bool repeats = advice.contains(end_ids) && config.value(end_ids, json()) == advice[end_ids];
    if (!repeats) {  // else the notes would be repeated
        const std::vector<int32_t> also = ends_of(config, path, m.V, model.notes);
        if (model.ends.empty()) model.ends = also;
    }
    return model;
}

bool has_scalar_head(const fs::path& folder) {
    return StoredTensors::are_in(folder) && StoredTensors(folder).find(scalar_head_tensor);
}

ModelConfig read_model_config(const fs::path& folder) { return describe_model(folder).config; }

}  // namespace gradus
