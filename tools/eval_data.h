#pragma once
// What `gradus eval` predicts: windows of tokens, of the texts that a user names or of the validation data of a run.
#include <string>
#include <vector>

#include "engine/batch.h"
#include "tools/open_model.h"

namespace gradus {

struct EvalData {
    int T = 0;
    int64_t windows = 0;
    NextBatch next;
    std::string name;  // for people
};

// The documents are one stream, with the tokenizer's end of text between them. Window w reads the tokens w·T … w·T + T − 1
// and predicts the token after each, so every token but the first is predicted once. A short text makes T shorter.
EvalData windows_of_texts(const std::vector<std::string>& files, const std::string& text_key, const ModelFolder&,
                          int T);

// The windows that the run validates with, by the recipe in its checkpoint: as many, and packed so. `context` 0: as long as
// the run's. Error where the folder is no checkpoint of a run, or the data is not there or was made by another tokenizer.
EvalData validation_windows_of(const ModelFolder&, int context);

}  // namespace gradus
