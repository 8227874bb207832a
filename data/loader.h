#pragma once
// Training samples from token shards: a pure function of (seed, number of the sample). No state, so a resumed run,
// another number of ranks and gradient accumulation see the same samples. Thread-safe; the ids stay in the mapped files.
//
// Memory: 8 bytes for every 64 documents, for each of three streams (the stored order and two epochs). An epoch's order is
// computed, not kept; where its documents begin is summed up once an epoch, by all threads, and kept for every 64th.
//
// The stream of an epoch. All documents of all shards, in an order drawn from (seed, epoch), one after another, behind a
// virtual end-of-text when the tokenizer has one. The stream is cut into windows of T inputs, stride T, from an offset
// in [0, T) drawn for the epoch; the windows come in an order drawn too. With L ids in the stream an epoch has
// max(1, (L − T) / T) samples: at the two ends fewer than 2T ids are left out together, others in each epoch.
//
//   tokens[t]     id t of the window
//   targets[t]    the next id of the stream, or −1 where there is none
//   positions[t]  place inside its segment, from 0
//   first_key[t]  where its segment begins in the window: t attends to [first_key[t], t]
//
// Segments (Packing::masked). An end-of-text closes its document as a target and opens the next one as an input: a
// segment begins at that end-of-text, so the first id of a document is predicted from it alone, and no position attends
// to another document. Documents that do not end in end-of-text are bounded by their own first id, and the last id of
// such a document has no target. A document longer than the rest of its window goes on in the next one, as a segment
// that begins with that window.
// Packing::plain is GPT-2's way: one segment a window, every id has the next one as its target.
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
    int T = 1024;
    uint64_t seed = 0;
    Packing packing = Packing::masked;
};

class Loader {
public:
    // Errors: those of Shard; shards of different tokenizers; no tokens at all.
    Loader(const std::vector<std::filesystem::path>& prefixes, LoaderOptions options);
    ~Loader();

    int64_t tokens() const { return tokens_; }      // in the shards
    int vocab_size() const { return vocab_size_; }  // 0 when no shard has a .meta.json
    std::optional<int32_t> end_of_text() const { return end_of_text_; }
    const std::vector<Shard>& shards() const { return shards_; }

    int64_t samples_per_epoch() const;

    // Samples [first_sample, first_sample + count); each output is [count, T]. Error when an id is outside the vocabulary.
    void fill(int64_t first_sample, int count, int32_t* tokens, int32_t* targets, int32_t* positions,
              int32_t* first_key) const;

    // For validation: the documents as stored, in windows of T that do not overlap, so that every id of the stream but
    // its first is a target once (in Packing::masked, those that have a predecessor in their document). The last window
    // is filled up with targets of −1.
    int64_t windows_in_order() const;
    void fill_in_order(int64_t first_window, int count, int32_t* tokens, int32_t* targets, int32_t* positions,
                       int32_t* first_key) const;

private:
    struct Stream;
    struct Window;
    class Place;

    std::shared_ptr<const Stream> stream_of_epoch(int64_t epoch) const;
    std::unique_ptr<Stream> make_stream(bool shuffled, int64_t epoch) const;
    void fill_window(const Stream& stream, int64_t from, const Window& out) const;
    Shard::Span document(int64_t number, const Shard*& shard) const;

    std::vector<Shard> shards_;
    std::vector<int64_t> first_document_;  // of each shard, and their number
    LoaderOptions options_;
    int64_t tokens_ = 0, length_ = 0;  // length_: with the virtual end-of-text
    int vocab_size_ = 0;
    std::optional<int32_t> end_of_text_;

    std::unique_ptr<const Stream> in_order_;
    mutable std::mutex mutex_;
    mutable std::vector<std::shared_ptr<const Stream>> epochs_;  // the last two asked for
};

}  // namespace gradus
