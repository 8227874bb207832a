#pragma once
// What readers and writers of other programs' checkpoints share: the declarations of a model's weights before they are
// allocated, a model filled from a mapped file, and its weights as a stream of bytes.
#include <functional>
#include <map>

#include "engine/checkpoint/elements.h"
#include "engine/language_model.h"

namespace gradus {

struct DeclaredWeight {
    std::string name;
    Spec spec;

    int64_t rows() const { return spec.shape.rank == 2 ? spec.shape.dim[0] : 1; }
    std::vector<int64_t> shape() const {  // as other programs' files say it
        if (spec.shape.rank == 1) return {columns()};
        return {rows(), columns()};
    }
    int64_t columns() const { return spec.shape.dim[size_t(spec.shape.rank - 1)]; }
};

// In the order of the model's own declaration: embeddings, blocks, last norm, head.
std::vector<DeclaredWeight> declared_weights(const ModelConfig&);

// Where the numbers of each weight are, [rows, columns]; weights without an entry become zero.
using StoredWeights = std::map<std::string, Strided<const std::byte>>;

// The model in that dtype, with no memory besides its weights.
std::unique_ptr<LanguageModel> model_of(const Ops&, const ModelConfig&, DType, const StoredWeights&);

// By name; valid as long as the model.
std::map<std::string, const Weight*> weights_by_name(const LanguageModel&);

// The weight's bytes in the model's dtype, row-major, a few MiB at a time.
void stream_out(const Runtime&, Tensor, const std::function<void(const void* data, size_t bytes)>& write);

// Error where the model is not one that nanoGPT and llm.c can hold: a GPT-2 with tied head, four times its width inside the
// feed-forward layer, and norms with 1e-5. `program` is who cannot.
void require_plain_gpt2(const ModelConfig&, const std::string& program);

// validate() of engine/models/config.h, and no more than a thousand layers: a file of a megabyte can claim ten thousand.
void validate_foreign(const ModelConfig&, const std::string& file);

// GPT-2's end-of-text id where a vocabulary is GPT-2's, padded to a multiple of 64 or not; −1 elsewhere.
int gpt2_end_of_text(int vocabulary);

}  // namespace gradus
