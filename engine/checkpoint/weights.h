#pragma once
// A model's weights as the folder that Hugging Face keeps them in.
//
//   config.json                        sizes and mathematics
//   generation_config.json             the ids that end a text
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
// Where config.json ties the head to the embedding, the tensors decide, as in transformers: a lm_head.weight with other
// numbers is a head of its own, and one without an embedding beside it is both.
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
    std::vector<int32_t> ends;       // ids that end a text: generation_config.json's, or else config.json's
    std::vector<std::string> notes;  // what its user should know, a line each
    bool of_transformers = false;    // config.json names the version of transformers that wrote it
};

// Error names the file and the key that is wrong. What only advises (ids outside the vocabulary, an unreadable
// generation_config.json) is noted and ignored.
FolderModel describe_model(const fs::path& folder);
ModelConfig read_model_config(const fs::path& folder);  // without the rest

// Whether the folder's model has a scalar head (engine/heads/scalar.h) in place of a language head.
bool has_scalar_head(const fs::path& folder);

// Fills the weights of that model from the folder's F32, BF16, F16 or F64 tensors, converted to their dtype. Returns the
// names of tensors that no weight asked for, less those that repeat what is computed anyway (is_redundant() of
// stored_tensors.h, the copy of a tied head): their contents are compared. Error names the file, the tensor and both shapes;
// the weights are untouched unless every tensor is there. One rank of several takes its slices. A scalar head keeps its value
// where the folder has none: a reward model begins as a language model.
std::vector<std::string> load_weights(Parameters&, const ModelConfig&, const fs::path& folder);
// The same into other tensors, destination(i) in the shape of parameters.weights()[i].
std::vector<std::string> load_weights(const Parameters&, const ModelConfig&, const fs::path& folder,
                                      const std::function<Tensor(size_t)>& destination);
// The same for weights that train: masters take the folder's numbers as precisely as they are stored, and the weights are
// rounded from them. Every rank of the mesh calls.
std::vector<std::string> load_weights(Parameters&, const ModelConfig&, Optimizer&, const fs::path& folder);

inline std::vector<std::string> load_weights(LanguageModel& m, const fs::path& folder) {
    return load_weights(m.parameters, m.config(), folder);
}
inline std::vector<std::string> load_weights(LanguageModel& m, Optimizer& optimizer, const fs::path& folder) {
    return load_weights(m.parameters, m.config(), optimizer, folder);
}

// Writes the folder in that dtype (f32, bf16 or f64) and returns its files. Error where config.json cannot say what
// this model computes, or where the folder holds a model already.
std::vector<StoredFile> save_weights(const Snapshot&, const fs::path& folder, DType dtype,
                                     uint64_t shard_limit = default_shard_limit);
inline std::vector<StoredFile> save_weights(const LanguageModel& model, const fs::path& folder, DType dtype,
                                            uint64_t shard_limit = default_shard_limit) {
    return save_weights(Snapshot::of(model), folder, dtype, shard_limit);
}

}  // namespace gradus
