#pragma once
// The data of `gradus eval`: windows of tokens from given texts or from the validation data of a run.
#include <string>
#include <vector>

#include "engine/batch.h"
#include "tools/open_model.h"

namespace gradus {

struct EvalData {
    int T = 0;
    int64_t windows = 0;
    NextBatch next;
    std::string name;  // for output
};

// The documents are one stream, separated by the tokenizer's end-of-text. Window w reads the tokens w·T … w·T + T − 1
// and predicts the token after each, so every token except the first is predicted once. A text shorter than T reduces
// T.
EvalData windows_of_texts(const std::vector<std::string>& files, const std::string& text_key, const ModelFolder&,
                          int T);

// The validation windows of the run, with their number and packing from the recipe in the checkpoint. `context` 0: the
// run's length. Error if the folder is not a checkpoint of a run, or the data does not exist or was made by another
// tokenizer.
EvalData validation_windows_of(const ModelFolder&, int context);

}  // namespace gradus
