#pragma once
// The data of a training run: token shards, and the tokenizer that made them.
#include <memory>
#include <optional>
#include <vector>

#include "data/loader.h"
#include "engine/config.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

struct PretrainData {
    fs::path tokenizer_json;
    Tokenizer tokenizer;
    std::vector<fs::path> train, val;  // prefixes of shards; val may be empty
    DataFacts facts;

    // The length of each id's text in bytes, for a model of that many ids.
    std::vector<int32_t> bytes_of_ids(int vocab) const;
};

// From data.dir, or data.train, data.val and data.tokenizer. Error names the file that is missing and the command that
// makes it.
PretrainData open_data(const Config&);

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
