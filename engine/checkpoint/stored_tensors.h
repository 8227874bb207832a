#pragma once
// The tensors of a Hugging Face folder, in one safetensors file or in shards, found under the names that transformers finds
// them under: "transformer.wte.weight" and "wte.weight", "model.norm.weight" and "norm.weight" are the same tensor.
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "engine/checkpoint/safetensors.h"
#include "engine/models/config.h"

namespace gradus {

class StoredTensors {
public:
    struct Found {
        const SafetensorsFile::Entry* entry;
        const SafetensorsFile* file;

        std::string place() const;  // "'model.safetensors', tensor 'wte.weight'", for errors
    };

    // Whether the folder has any weights: model.safetensors, or the index of shards.
    static bool are_in(const fs::path& folder);

    // Error where it has none, where a file is damaged, or where the index and its shards disagree.
    explicit StoredTensors(const fs::path& folder);

    const Found* find(const std::string& name) const;  // nullptr where there is none
    // By its name with the prefix or without it. Error where the folder has both and their contents differ.
    const Found* find(const std::string& name, const std::string& prefix) const;
    const std::map<std::string, Found>& all() const { return found_; }

private:
    void open_shards(const fs::path& folder, const fs::path& index);

    std::deque<SafetensorsFile> files_;  // a deque: entries are pointed at
    std::map<std::string, Found> found_;
    std::map<std::string, std::string> promised_;
};

// Whether two tensors have the same shape and the same numbers, whatever their dtypes; equal bits are equal even where they are
// NaN.
bool same_content(const SafetensorsFile::Entry&, const SafetensorsFile::Entry&);

// Whether a tensor that no weight asks for is one that older versions of transformers stored with their models and that
// says nothing of its own: the causal mask of a GPT-2 layer, the score that masked pairs got, the frequencies of rotary
// positions. Its name and its numbers both have to fit.
bool is_redundant(const SafetensorsFile::Entry&, const ModelConfig&);

}  // namespace gradus
