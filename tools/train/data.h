#pragma once
// The data of a training run and its tokenizer: token shards, or packed demonstrations.
#include <memory>
#include <optional>
#include <vector>

#include "align/samples/sample_rows.h"
#include "data/loader.h"
#include "engine/resolve.h"
#include "tokenizer/tokenizer.h"

namespace gradus {

struct RunData {
    fs::path tokenizer_json;
    std::string tokenizer_text;  // the file's content when the run began, for its checkpoints
    Tokenizer tokenizer;
    std::vector<fs::path> train, val;  // prefixes of shards; val may be empty
    DataFacts facts;
    // Of demonstrations (tools/align/demonstrations.h), which are packed into rows.
    std::shared_ptr<const SampleRows> rows, val_rows;  // val_rows: null, nothing validates
    std::optional<ChatEncoder> chat;
    std::string source;  // what the line `data` says instead of counting tokens of shards
};

// The data of the stage. May complete train.steps.
RunData open_run_data(Config&);

// From data.dir, or data.train, data.val and data.tokenizer. Error names the file that is missing and the command that
// makes it.
RunData open_data(const Config&);

// The validation shards; empty: there are none.
std::vector<fs::path> validation_shards(const Config&);

// Error if a shard was made by another tokenizer.
std::shared_ptr<const Loader> open_loader(const std::vector<fs::path>& prefixes, const fs::path& tokenizer_json,
                                          int vocab, const LoaderOptions&);
// Windows in the order of training.
NextBatch random_windows(std::shared_ptr<const Loader>);
// Its windows in the order of the shards, for validation.
NextBatch windows_in_order(std::shared_ptr<const Loader>);
// The number of validation windows: at most `most`; 0: all.
int64_t validation_windows(const Loader&, int64_t most);

// The ids of one of sample.prompts, after the end-of-text token that precedes every document.
std::vector<int32_t> ids_of_prompt(const Tokenizer&, const std::string& text);

// Error if the folder of a model to start from has a tokenizer in which the data's ids have different text. For a
// tokenizer of an unsupported kind, a note says that it was not compared.
void require_same_ids(const RunData&, const fs::path& model_folder);

// The batches for training and validation, as functions of the index of a sample.
class RunBatches {
public:
    RunBatches(const RunData&, const Resolved&);

    const NextBatch& train() const { return train_; }
    const NextBatch& val() const { return val_; }
    int64_t train_tokens() const { return train_tokens_; }
    int64_t val_tokens() const { return val_tokens_; }
    int64_t val_windows() const { return windows_; }  // at most validation.windows

private:
    void of_shards(const RunData&, const Resolved&);
    void of_demonstrations(const RunData&, const Resolved&);

    NextBatch train_, val_;
    int64_t train_tokens_ = 0, val_tokens_ = 0, windows_ = 0;
};

}  // namespace gradus
