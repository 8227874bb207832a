#pragma once
// Opens a trained model from a folder: a run (its latest checkpoint), a checkpoint, or a Hugging Face model.
#include <string>

#include "engine/language_model.h"
#include "tokenizer/tokenizer.h"
#include "tools/model_folder.h"

namespace gradus {

struct ModelFolder {
    fs::path folder;  // with config.json
    ModelConfig config;
    Tokenizer tokenizer;  // the folder's, with no more tokens than the model
    // Ids that end a text: those of generation_config.json, else of config.json, else the tokenizer's <|endoftext|>.
    std::vector<int32_t> ends;
    // Ids before every prompt: those of the tokenizer's post-processor. If it has none, <|endoftext|>, because that
    // precedes every document in the data of gradus; but nothing in a folder written by transformers, which adds
    // nothing either.
    std::vector<int32_t> opening;
    std::string named;  // as the user named it
    LockedFolder held;
};

// A checkpoint's files are verified against its checksums once; for a run this is its newest valid checkpoint, which is
// not removed while the result exists. The Error names a missing or damaged file; notes on stderr say what else
// matters.
ModelFolder open_model_folder(const std::string& run_or_folder);

// The model with its weights; those of the run's newest checkpoint if the folder has been removed since. A note names
// unused tensors. graphs: as Mode::graphs.
std::unique_ptr<LanguageModel> load_model(const ModelFolder&, const Ops&, DType, BatchShape, bool graphs = false);

// The length of each id's text in bytes, for `vocab` ids: 0 for special tokens, which represent no text, and for ids
// that the tokenizer does not have.
std::vector<int32_t> bytes_of_ids(const Tokenizer&, int vocab);

}  // namespace gradus
