#pragma once
// The data of a training run: token shards, and the tokenizer that made them.
#include <memory>
#include <optional>
#include <vector>

#include "data/loader.h"
#include "engine/resolve.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

struct PretrainData {
    fs::path tokenizer_json;
    std::string tokenizer_text;  // the file's content when the run began, for its checkpoints
    Tokenizer tokenizer;
    std::vector<fs::path> train, val;  // prefixes of shards; val may be empty
    DataFacts facts;
};

// From data.dir, or data.train, data.val and data.tokenizer. Error names the file that is missing and the command that
// makes it.
PretrainData open_data(const Config&);

// The validation shards; empty: there are none.
std::vector<fs::path> validation_shards(const Config&);

// Error if a shard was made by another tokenizer.
std::shared_ptr<const Loader> open_loader(const std::vector<fs::path>& prefixes, const fs::path& tokenizer_json,
                                          int vocab, const LoaderOptions&);
// Its windows in the order of the shards, for validation.
NextBatch windows_in_order(std::shared_ptr<const Loader>);
// The number of validation windows: at most `most`; 0: all.
int64_t validation_windows(const Loader&, int64_t most);

// The ids of one of sample.prompts, after the end-of-text token that precedes every document.
std::vector<int32_t> ids_of_prompt(const Tokenizer&, const std::string& text);

// Error if the folder of a model to start from has a tokenizer in which the data's ids have different text. For a
// tokenizer of an unsupported kind, a note says that it was not compared.
void require_same_ids(const PretrainData&, const fs::path& model_folder);

// The batches for training and validation, as functions of the index of a sample.
class PretrainBatches {
public:
    PretrainBatches(const PretrainData&, const Resolved&);

    NextBatch train() const;
    NextBatch val() const;
    int64_t train_tokens() const { return train_->tokens(); }
    int64_t val_tokens() const { return val_ ? val_->tokens() : 0; }
    int64_t val_windows() const { return windows_; }  // at most validation.windows

private:
    std::shared_ptr<const Loader> train_, val_;
    int64_t windows_ = 0;
};

}  // namespace gradus
