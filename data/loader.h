#pragma once
// Training samples from token shards. A sample is a pure function of (seed, index of the sample). The loader has no
// state, so a resumed run, another number of ranks and gradient accumulation see the same samples. Thread-safe; the ids
// stay in the mapped files.
//
// Memory: 8 bytes per 64 documents, for each of three streams (the stored order and two epochs). The order of an epoch
// is computed, not stored. The positions of its documents are summed once per epoch, by all threads, and stored for
// every 64th document.
//
// The stream of an epoch: all documents of all shards are concatenated in an order drawn from (seed, epoch), after a
// virtual end-of-text if the tokenizer has one. The stream is cut into windows of T inputs with stride T, from an
// offset in [0, T) drawn for the epoch; the order of the windows is drawn as well. With L ids in the stream an epoch
// has max(1, (L − T) / T) samples. Fewer than 2T ids at the two ends are left out, different ones in each epoch.
//
//   tokens[t]     id t of the window
//   targets[t]    the next id of the stream, or −1 if there is none
//   positions[t]  position inside its segment, from 0
//   first_key[t]  where its segment begins in the window: t attends to [first_key[t], t]
//
// Segments (Packing::masked): an end-of-text is the last target of its document and the first input of the next. A
// segment begins at that end-of-text, so the first id of a document is predicted from it alone, and no position attends
// to another document. Documents that do not end in end-of-text begin a segment at their own first id, and the last id
// of such a document has no target. A document longer than the rest of its window continues in the next one, as a
// segment that begins with that window. Packing::plain is as in GPT-2: one segment per window, and the target of every
// id is the next one.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "data/shards.h"

namespace gradus {

enum class Packing { masked, plain };

struct LoaderOptions {
    int T;              // tokens in a sample
    uint64_t seed = 0;  // of the order of samples
    Packing packing;
};

class Loader {
public:
    // Errors: those of Shard; shards of different tokenizers; no tokens.
    Loader(const std::vector<std::filesystem::path>& prefixes, LoaderOptions options);
    ~Loader();

    int64_t tokens() const { return tokens_; }      // in the shards
    int vocab_size() const { return vocab_size_; }  // 0 if no shard has a .meta.json
    std::optional<int32_t> end_of_text() const { return end_of_text_; }
    const std::vector<Shard>& shards() const { return shards_; }

    int64_t samples_per_epoch() const;

    // Samples [first_sample, first_sample + count); each output is [count, T]. Error if an id is outside the
    // vocabulary.
    void fill(int64_t first_sample, int count, int32_t* tokens, int32_t* targets, int32_t* positions,
              int32_t* first_key) const;

    // For validation: the documents as stored, in windows of T that do not overlap, so that every id of the stream
    // except the first is a target once (in Packing::masked, those that have a predecessor in their document). The last
    // window is padded with targets of −1.
    int64_t windows_in_order() const;
    void fill_in_order(int64_t first_window, int count, int32_t* tokens, int32_t* targets, int32_t* positions,
                       int32_t* first_key) const;

private:
    struct Stream;
    struct Window;
    class Cursor;

    std::shared_ptr<const Stream> stream_of_epoch(int64_t epoch) const;
    std::unique_ptr<Stream> make_stream(bool shuffled, int64_t epoch) const;
    void fill_window(const Stream& stream, int64_t from, const Window& out) const;
    Shard::Span document(int64_t number, const Shard*& shard) const;

    std::vector<Shard> shards_;
    std::vector<int64_t> first_document_;  // of each shard, then the number of documents
    LoaderOptions options_;
    int64_t tokens_ = 0, length_ = 0;  // length_: including the virtual end-of-text
    int vocab_size_ = 0;
    std::optional<int32_t> end_of_text_;

    std::unique_ptr<const Stream> in_order_;
    mutable std::mutex mutex_;
    mutable std::vector<std::shared_ptr<const Stream>> epochs_;  // the last two requested
};

}  // namespace gradus
