#pragma once
// The tensors of a Hugging Face folder, in one safetensors file or in shards, found under the same names as in
// transformers: "transformer.wte.weight" and "wte.weight", "model.norm.weight" and "norm.weight" are the same tensor.
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

    // Whether the folder has weights: model.safetensors or an index of shards.
    static bool are_in(const fs::path& folder);

    // Error if the folder has no weights, a file is damaged, or the index and its shards disagree.
    explicit StoredTensors(const fs::path& folder);

    const Found* find(const std::string& name) const;  // nullptr where there is none
    // Finds it with or without the prefix. Error if the folder has both and their contents differ.
    const Found* find(const std::string& name, const std::string& prefix) const;
    const std::map<std::string, Found>& all() const { return found_; }

private:
    void open_shards(const fs::path& folder, const fs::path& index);

    std::deque<SafetensorsFile> files_;  // a deque keeps pointers to entries valid
    std::map<std::string, Found> found_;
    std::map<std::string, std::string> listed_;
};

// Whether two tensors have the same shape and values, possibly in different dtypes. Equal bits count as equal, even
// NaN.
bool same_content(const SafetensorsFile::Entry&, const SafetensorsFile::Entry&);

// Whether an unused tensor is one of the constants that older versions of transformers stored with their models: the
// causal mask of a GPT-2 layer, the score of masked pairs, the frequencies of rotary positions. Both its name and its
// values have to match.
bool is_redundant(const SafetensorsFile::Entry&, const ModelConfig&);

}  // namespace gradus
