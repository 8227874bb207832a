#pragma once
// A model's weights as a Hugging Face folder.
//
//   config.json                        sizes and mathematics
//   generation_config.json             the end-of-text ids
//   model.safetensors                  the weights, under Hugging Face's names; or, above a limit,
//   model-0000i-of-0000n.safetensors   their shards, with
//   model.safetensors.index.json       which tensor is in which shard
//
// Names, transposition and stacked parts come from engine/models/family.h. Names are read with or without the family's
// prefix ("transformer.", "model.") and written with it. Values pass to and from the device in pieces of a few MiB; no
// second copy of the model is made.
//
// A model with a scalar head is stored as transformers' …ForSequenceClassification with one label.
//
// If config.json ties the head to the embedding, the tensors decide, as in transformers: a lm_head.weight with other
// values is a separate head, and a lm_head.weight without an embedding is used for both.
//
// Sources: the published folders of openai-community/gpt2 and the LLaMA models; transformers' sharded checkpoints.
#include <functional>
#include <string>
#include <vector>

#include "engine/checkpoint/checksum.h"
#include "engine/checkpoint/snapshot.h"

namespace gradus {

constexpr uint64_t default_shard_limit = 5'000'000'000;  // bytes

struct FolderModel {
    ModelConfig config;
    std::vector<int32_t> ends;       // end-of-text ids from generation_config.json, or else config.json
    std::vector<std::string> notes;  // for the user, a line each
    bool of_transformers = false;    // config.json names the version of transformers that wrote it
};

// Error names the file and the key that is wrong. Problems with optional parts (ids outside the vocabulary, an
// unreadable generation_config.json) are noted and ignored.
FolderModel describe_model(const fs::path& folder);
ModelConfig read_model_config(const fs::path& folder);  // without the rest

// Whether the folder's model has a scalar head (engine/heads/scalar.h) instead of a language head.
bool has_scalar_head(const fs::path& folder);

// Fills the weights of that model from the folder's F32, BF16, F16 or F64 tensors, converted to their dtype. Returns
// the names of unused tensors, except redundant ones (is_redundant() of stored_tensors.h, the copy of a tied head),
// whose contents are checked. Error names the file, the tensor and both shapes; the weights are unchanged unless every
// tensor is found. With several ranks, each takes its slices. A scalar head that the folder lacks keeps its value: a
// reward model is initialised from a language model.
std::vector<std::string> load_weights(Parameters&, const ModelConfig&, const fs::path& folder);
// The same into other tensors, destination(i) in the shape of parameters.weights()[i].
std::vector<std::string> load_weights(const Parameters&, const ModelConfig&, const fs::path& folder,
                                      const std::function<Tensor(size_t)>& destination);
// The same for training: masters take the stored values in full precision, and the weights are rounded from them. Every
// rank of the mesh calls it.
std::vector<std::string> load_weights(Parameters&, const ModelConfig&, Optimizer&, const fs::path& folder);

inline std::vector<std::string> load_weights(LanguageModel& m, const fs::path& folder) {
    return load_weights(m.parameters, m.config(), folder);
}
inline std::vector<std::string> load_weights(LanguageModel& m, Optimizer& optimizer, const fs::path& folder) {
    return load_weights(m.parameters, m.config(), optimizer, folder);
}

// Writes the folder in that dtype (f32, bf16 or f64) and returns its files. Error if config.json cannot describe this
// model, or the folder already contains a model.
std::vector<StoredFile> save_weights(const Snapshot&, const fs::path& folder, DType dtype,
                                     uint64_t shard_limit = default_shard_limit,
                                     const std::vector<int32_t>& more_ends = {});
inline std::vector<StoredFile> save_weights(const LanguageModel& model, const fs::path& folder, DType dtype,
                                            uint64_t shard_limit = default_shard_limit) {
    return save_weights(Snapshot::of(model), folder, dtype, shard_limit);
}

}  // namespace gradus
