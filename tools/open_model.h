#pragma once
// A trained model from the folder a user names: a run (its latest checkpoint), a checkpoint, or a model of Hugging
// Face.
#include <string>

#include "engine/language_model.h"
#include "tokenizer/tokenizer.h"
#include "tools/model_folder.h"

namespace gradus {

struct ModelFolder {
    fs::path folder;  // with config.json
    ModelConfig config;
    Tokenizer tokenizer;  // its own, with no more tokens than the model
    // Ids that end a text: those of generation_config.json, else of config.json, else the tokenizer's <|endoftext|>.
    std::vector<int32_t> ends;
    // Ids before every prompt: what the tokenizer's post-processor puts there. Where it puts nothing, <|endoftext|>, as the
    // data of gradus opens every document; but nothing in a folder that transformers wrote, which puts nothing either.
    std::vector<int32_t> opening;
    std::string named;  // as the user named it
    HeldFolder held;
};

// A checkpoint's files are checked against its checksums, once; a run's newest good one is taken, and stays on the disk until
// the result goes. Error names the file that is missing or wrong; what else its user should know goes to stderr as notes.
ModelFolder open_model_folder(const std::string& run_or_folder);

// The model with its weights; those of the run's newest checkpoint, where the folder was removed since. Tensors that no weight
// asked for are named on stderr.
std::unique_ptr<LanguageModel> load_model(const ModelFolder&, const Ops&, DType, BatchShape);

// The length of each id's text in bytes, for a model of so many ids: 0 for special tokens, which stand for no text, and
// for ids that the tokenizer does not have.
std::vector<int32_t> bytes_of_ids(const Tokenizer&, int vocab);

}  // namespace gradus
