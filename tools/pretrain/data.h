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
    std::string
        tokenizer_text;  // of that file as the run began: what its checkpoints hold, whatever becomes of the file
    Tokenizer tokenizer;
    std::vector<fs::path> train, val;  // prefixes of shards; val may be empty
    DataFacts facts;
};

// From data.dir, or data.train, data.val and data.tokenizer. Error names the file that is missing and the command that
// makes it.
PretrainData open_data(const Config&);

// The part of it that validates; empty where there is none.
std::vector<fs::path> validation_shards(const Config&);

// Error where a shard was not made by this tokenizer.
std::shared_ptr<const Loader> open_loader(const std::vector<fs::path>& prefixes, const fs::path& tokenizer_json,
                                          int vocab, const LoaderOptions&);
// Its windows in the order of the shards: what validation reads.
NextBatch windows_in_order(std::shared_ptr<const Loader>);
// How many of them count, of which 0 are all.
int64_t validation_windows(const Loader&, int64_t most);

// The ids of one of sample.prompts, behind the end of text that opens every document.
std::vector<int32_t> ids_of_prompt(const Tokenizer&, const std::string& text);

// Error when the folder of a model to begin from has a tokenizer under which the data's ids mean other texts. A tokenizer
// of a kind that is not known here cannot be compared; a note says so.
void require_same_ids(const PretrainData&, const fs::path& model_folder);

// What the trainer and the validation read, as functions of the number of a sample.
class PretrainBatches {
public:
    PretrainBatches(const PretrainData&, const Resolved&);

    NextBatch train() const;
    NextBatch val() const;
    int64_t train_tokens() const { return train_->tokens(); }
    int64_t val_tokens() const { return val_ ? val_->tokens() : 0; }
    int64_t val_windows() const { return windows_; }  // as many as validation.windows allows

private:
    std::shared_ptr<const Loader> train_, val_;
    int64_t windows_ = 0;
};

}  // namespace gradus
