#pragma once
// Shared by the readers and writers of other programs' checkpoints: the declarations of a model's weights before they
// are allocated, a model filled from a mapped file, and its weights as a stream of bytes.
#include <functional>
#include <map>

#include "engine/checkpoint/elements.h"
#include "engine/language_model.h"

namespace gradus {

struct DeclaredWeight {
    std::string name;
    Spec spec;

    int64_t rows() const { return spec.shape.rank == 2 ? spec.shape.dim[0] : 1; }
    std::vector<int64_t> shape() const {  // as in other programs' files
        if (spec.shape.rank == 1) return {columns()};
        return {rows(), columns()};
    }
    int64_t columns() const { return spec.shape.dim[size_t(spec.shape.rank - 1)]; }
};

// In the model's order of declaration: embeddings, blocks, final norm, head.
std::vector<DeclaredWeight> declared_weights(const ModelConfig&);

// The stored values of each weight, [rows, columns]; weights without an entry become zero.
using StoredWeights = std::map<std::string, Strided<const std::byte>>;

// Allocates only the weights.
std::unique_ptr<LanguageModel> model_of(const Ops&, const ModelConfig&, DType, const StoredWeights&);

// By name; valid as long as the model.
std::map<std::string, const Weight*> weights_by_name(const LanguageModel&);

// The weight's bytes in the model's dtype, row-major, a few MiB at a time.
void stream_out(const Runtime&, Tensor, const std::function<void(const void* data, size_t bytes)>& write);

// Error if nanoGPT and llm.c do not support the model: they need a GPT-2 with a tied head, a feed-forward layer of four
// times the width, and norms with eps 1e-5. `program` is the one to name.
void require_plain_gpt2(const ModelConfig&, const std::string& program);

// validate() of engine/models/config.h, and at most a thousand layers: a header can claim more than its file has.
void validate_foreign(const ModelConfig&, const std::string& file);

// GPT-2's end-of-text id if the vocabulary has GPT-2's size, padded to a multiple of 64 or not; else −1.
int gpt2_end_of_text(int vocabulary);

}  // namespace gradus
