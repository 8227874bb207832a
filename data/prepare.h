#pragma once
// `gradus data prepare`: from raw text to a folder for training.
//
//   read → clean, main text of pages → drop short documents → drop exact duplicates → split → token shards
//
// DIR/train.jsonl.zst, DIR/val.jsonl.zst   the documents: keys text, source
// DIR/report.json                          how many documents were kept or dropped, and why
// with a tokenizer also
// DIR/{train,val}.{bin,idx,meta.json,checksums}   shards.h
// DIR/tokenizer.json                       a copy
//
// With few documents the hashes can put all of them on one side (with one document always): then the split is by the
// tail, and a note says so.
//
// If the only input is a folder that prepare wrote, its documents and their split are kept. So: prepare text; train a
// tokenizer on DIR; prepare DIR into itself with that tokenizer.
//
// Every file is written atomically, and a second run writes all of them again. The result does not depend on the number
// of threads. Before the documents change, report.json and the old token shards are removed, so that a shard never lies
// next to text that it was not made from. The report is written after the documents and again after the shards, so that
// a document that cannot be tokenized does not waste the work of reading.
//
// Errors: those of the readers; no documents left after dropping; an empty split; an output folder inside its own
// input; an input that is an output; a document that the tokenizer cannot encode, with its source; another run in the
// same folder.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/readers.h"
#include "data/split.h"

namespace gradus {

// The tokenizer as prepare needs it. `encode_append` is called by several threads at once, and treats text as plain
// text: special tokens in a document are ordinary characters.
struct TokenizerUse {
    std::function<void(std::string_view text, std::vector<int32_t>& ids)> encode_append;
    int vocab_size = 0;
    std::optional<int32_t> end_of_text;
    std::filesystem::path file;  // its tokenizer.json
};

struct PrepareOptions {
    std::filesystem::path out;
    ReadOptions read;
    size_t min_bytes = 64;  // of a document, without the white space around it
    SplitRule split = SplitRule::hash;
    bool may_fall_back = true;  // to SplitRule::tail, with a note, if hash leaves one side empty
    double val_fraction = 0.02;
    int threads = 0;  // 0: one per core
};

struct PrepareProgress {
    const char* stage;  // "reading", "tokenizing train", "tokenizing val"
    int64_t documents, bytes;
};

struct SplitReport {
    int64_t documents = 0, bytes = 0;
    int64_t tokens = 0;  // 0 if the folder has no shard
};

struct PrepareReport {
    std::vector<std::string> inputs;
    int64_t files = 0, documents = 0, bytes = 0;  // read
    int64_t bad_lines = 0;
    std::map<std::string, int64_t> dropped;  // reason → documents: too_short, repeated, too_large, nested_too_deeply, …
    std::map<std::string, OtherKind> other_kinds;
    int64_t repeated_files = 0, repeated_folders = 0, broken_links = 0;
    SplitRule split = SplitRule::hash;
    SplitReport train, val;
    double seconds = 0;
};

PrepareReport prepare(const std::vector<std::filesystem::path>& inputs, const PrepareOptions& options,
                      const TokenizerUse* tokenizer = nullptr,
                      const std::function<void(const PrepareProgress&)>& progress = {});

}  // namespace gradus
