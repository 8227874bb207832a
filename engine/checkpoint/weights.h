#pragma once
// A model's weights as the folder that Hugging Face keeps them in.
//
//   config.json                        sizes and mathematics
//   generation_config.json             the id that ends a text
//   model.safetensors                  the weights, under Hugging Face's names; or, above a limit,
//   model-0000i-of-0000n.safetensors   their shards, with
//   model.safetensors.index.json       which tensor is in which shard
//
// Names, transposition and stacked parts come from engine/models/family.h. GPT-2's names are read with or without their
// prefix "transformer." and written with it, as transformers itself writes them: a head that is not tied is found only
// so. Values pass to and from the device in pieces of a few MiB; no second copy of the model is made.
//
// Sources: the published folders of openai-community/gpt2 and the LLaMA models; transformers' sharded checkpoints.
#include <functional>
#include <string>
#include <vector>

#include "engine/checkpoint/checksum.h"
#include "engine/checkpoint/snapshot.h"

namespace gradus {

constexpr uint64_t default_shard_limit = 5'000'000'000;  // bytes

// Error names the file and the key that is wrong.
ModelConfig read_model_config(const fs::path& folder);

// Fills the model's weights from the folder's F32, BF16, F16 or F64 tensors, converted to the model's dtype. Returns the
// names of tensors that no weight asked for, less those known to be superfluous (causal masks, rotary tables, the copy of a
// tied head). Error names the file, the tensor and both shapes; the model is untouched unless every tensor is there. A
// model on one rank of several takes its pieces.
std::vector<std::string> load_weights(Model&, const fs::path& folder);
// The same into other tensors, destination(i) in the shape of model.weights()[i].
std::vector<std::string> load_weights(Model&, const fs::path& folder, const std::function<Tensor(size_t)>& destination);
// The same for a model that trains: masters take the folder's numbers as precisely as they are stored, and the weights are
// rounded from them. Every rank of the mesh calls.
std::vector<std::string> load_weights(Model&, Optimizer&, const fs::path& folder);

// Writes the folder in that dtype (f32, bf16 or f64) and returns its files. Error where config.json cannot say what
// this model computes, or where the folder holds a model already.
std::vector<StoredFile> save_weights(const Snapshot&, const fs::path& folder, DType dtype,
                                     uint64_t shard_limit = default_shard_limit);
inline std::vector<StoredFile> save_weights(Model& model, const fs::path& folder, DType dtype,
                                            uint64_t shard_limit = default_shard_limit) {
    return save_weights(Snapshot::of(model), folder, dtype, shard_limit);
}

}  // namespace gradus
