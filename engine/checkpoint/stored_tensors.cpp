#include "engine/checkpoint/stored_tensors.h"

#include <set>

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {
const std::string again = "copy or download the folder again";
}

std::string StoredTensors::Found::place() const {
    return "'" + file->path().string() + "', tensor " + shown(entry->name);
}

bool StoredTensors::are_in(const fs::path& folder) {
    std::error_code ignored;
    return fs::exists(folder / "model.safetensors", ignored) ||
           fs::exists(folder / "model.safetensors.index.json", ignored);
}

StoredTensors::StoredTensors(const fs::path& folder) {
    const fs::path single = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
    std::error_code ignored;
    if (fs::exists(single, ignored)) files_.emplace_back(single);
    else if (fs::exists(index, ignored)) open_shards(folder, index);
    else
        throw Error("no weights in '" + folder.string() + "'",
                    "it has neither model.safetensors nor model.safetensors.index.json",
                    "give a folder that has one; a pytorch_model.bin can be converted with transformers' "
                    "save_pretrained(safe_serialization=True)");
    for (const SafetensorsFile& file : files_)
        for (const SafetensorsFile::Entry& e : file.entries())
            if (!found_.emplace(e.name, Found{&e, &file}).second)
                throw Error("'" + folder.string() + "' is not a complete model",
                            "two of its files have a tensor " + shown(e.name), again);
    for (const auto& [name, shard] : listed_) {
        const auto at = found_.find(name);
        if (at == found_.end() || at->second.file->path().filename() != shard)
            throw Error("'" + index.string() + "' does not agree with the files beside it",
                        "it lists tensor " + shown(name) + " in " + shown(shard) + ", which does not contain it",
                        again);
    }
}

void StoredTensors::open_shards(const fs::path& folder, const fs::path& index) {
    auto refuse = [&](const std::string& cause) {
        throw Error("'" + index.string() + "' is not an index of shards", cause, again);
    };
    const nlohmann::json listed = parse_json(read_file(index), index.string(), again);
    if (!listed.is_object() || !listed.contains("weight_map") || !listed["weight_map"].is_object())
        refuse("it has no object \"weight_map\"");
    std::set<std::string> shards;
    for (const auto& [name, file] : listed["weight_map"].items()) {
        if (!file.is_string()) refuse("the file of tensor " + shown(name) + " is not a string");
        const std::string shard = file;
        if (shard.empty() || shard[0] == '.' || shard.find('/') != std::string::npos ||
            shard.find('\0') != std::string::npos)
            refuse("tensor " + shown(name) + " is listed in " + shown(shard) +
                   ", which is not the name of a file beside it");
        listed_.emplace(name, shard);
        shards.insert(shard);
    }
    for (const std::string& shard : shards) files_.emplace_back(folder / shard);
}

const StoredTensors::Found* StoredTensors::find(const std::string& name) const {
    const auto at = found_.find(name);
    return at == found_.end() ? nullptr : &at->second;
}

const StoredTensors::Found* StoredTensors::find(const std::string& name, const std::string& prefix) const {
    const Found *full = find(prefix + name), *bare = prefix.empty() ? nullptr : find(name);
    if (full && bare && !same_content(*full->entry, *bare->entry))
        throw Error("two tensors for one weight: " + full->place(),
                    "another one is called " + shown(name) + " and has other values",
                    "remove the one that does not belong to the model");
    return full ? full : bare;
}

}  // namespace gradus
