#pragma once
// Token shards: NAME.bin and NAME.idx are Megatron-LM's indexed dataset, so that other trainers can read them;
// NAME.meta.json names the tokenizer of the ids; NAME.checksums detects changed bytes.
//
//   NAME.bin   the ids, one document after another, little-endian, uint16 or int32
//   NAME.idx   "MMIDIDX\0\0", u64 version = 1, u8 type (8: uint16, 4: int32), u64 sequences, u64 document entries,
//              i32 length of each sequence (ids), i64 offset of each sequence (bytes into .bin),
//              i64 first sequence of each document, and the number of sequences
//   NAME.meta.json   {format, tokenizer, tokenizer_xxh64, vocab_size, end_of_text, dtype, documents, tokens, bytes,
//                     sources, checksums_xxh64, idx_xxh64, created_by}
//   NAME.checksums   checksums.h
//
// gradus writes one sequence per document and ends each with the tokenizer's end-of-text id if it has one. It reads any
// such pair, with or without .meta.json, if the sequences of a document are contiguous.
// A pair with .meta.json and checksums is verified: the .idx when it is opened, each block of the .bin when it is first
// read.
// Source: Megatron-LM, megatron/core/datasets/indexed_dataset.py.
//
// Errors: a file is missing, truncated, of another format, changed since it was written, or has a count, length, offset
// or id out of range.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/checksums.h"
#include "engine/base/file.h"

namespace gradus {

struct ShardMeta {
    std::string tokenizer;        // file name
    std::string tokenizer_xxh64;  // of that file's bytes, 16 hex digits
    int vocab_size = 0;
    std::optional<int32_t> end_of_text;
    int64_t documents = 0, tokens = 0;
    int64_t bytes = 0;  // of the text in UTF-8, for loss in bits per byte
    std::vector<std::string> sources;
    std::string checksums_xxh64, idx_xxh64;  // of those two files; empty in shards of older versions
};

// Empty if there is no NAME.meta.json.
std::optional<ShardMeta> read_shard_meta(const std::filesystem::path& prefix);

// Writes a shard. No file has its final name until commit(), which first removes the files of an older shard.
class ShardWriter {
public:
    // `meta` gives tokenizer, vocab_size, end_of_text and sources; the writer counts the rest.
    ShardWriter(const std::filesystem::path& prefix, ShardMeta meta);
    void add(const std::vector<int32_t>& ids, int64_t text_bytes);  // of one document, without end-of-text
    ShardMeta commit();

private:
    std::filesystem::path prefix_;
    ShardMeta meta_;
    AtomicFile bin_;
    ChecksumWriter checksums_;
    std::vector<int32_t> lengths_;
    std::vector<uint16_t> narrow_;
    std::vector<int32_t> wide_;
};

class Shard {
public:
    explicit Shard(const std::filesystem::path& prefix);

    const std::filesystem::path& prefix() const { return prefix_; }
    const std::optional<ShardMeta>& meta() const { return meta_; }
    int64_t documents() const { return documents_; }
    int64_t tokens() const { return tokens_; }  // in all documents
    bool narrow() const { return width_ == 2; }

    // Document d is ids [begin, begin + length) of the .bin.
    struct Span {
        int64_t begin, length;
    };
    Span document(int64_t d) const;
    // Errors of these two: the ids were changed since they were written; an id is outside the vocabulary (without
    // .meta.json: negative; only for copy).
    int32_t id(int64_t i) const;
    void copy(int64_t begin, int64_t count, int32_t* ids) const;

    // Checks all ids against a given vocabulary size: reads the whole .bin.
    void check_ids(int vocab_size) const;

private:
    template <class T>
    T read(int64_t i) const;
    void check_unchanged(int64_t begin, int64_t count) const;
    void check_range(int64_t begin, int64_t count, int64_t vocab_size) const;
    int64_t length_of(int64_t sequence) const;
    int64_t offset_of(int64_t sequence) const;
    int64_t first_sequence_of(int64_t document) const;
    void read_index();
    void read_meta();

    std::filesystem::path prefix_;
    MappedFile bin_, idx_;
    Checksums checksums_;
    std::optional<ShardMeta> meta_;
    int width_ = 2;  // bytes per id
    int64_t sequences_ = 0, documents_ = 0, tokens_ = 0;
};

// XXH64 of a file's bytes in 16 hex digits, as meta.json has it for the tokenizer.
std::string file_xxh64(const std::filesystem::path& path);

// Whether NAME.idx exists, the last file that the writer makes.
bool has_shard(const std::filesystem::path& prefix);

// Removes NAME.bin, NAME.idx, NAME.meta.json and NAME.checksums if they exist; call it before the text next to them
// changes.
void remove_shard(const std::filesystem::path& prefix);

}  // namespace gradus
