#pragma once
// The ids of recent pieces of up to 32 bytes: two places for each, of a cache line, one cache per thread for
// all models. It needs no locks, and a model that is gone leaves nothing that another one finds.
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace gradus {

class WordCache {
public:
    static constexpr size_t longest_word = 32;
    static constexpr int max_ids = 5;

    // A piece of 1 to longest_word bytes: with its length, its first and last bytes identify it.
    struct Key {
        uint64_t words[4] = {};

        explicit Key(std::string_view piece) {
            const char* const at = piece.data();
            const size_t size = piece.size();
            if (size >= 16) {
                std::memcpy(words, at, 16);
                std::memcpy(words + 2, at + size - 16, 16);
            } else if (size >= 8) {
                std::memcpy(words, at, 8);
                std::memcpy(words + 1, at + size - 8, 8);
            } else if (size >= 4) {
                uint32_t first, last;
                std::memcpy(&first, at, 4);
                std::memcpy(&last, at + size - 4, 4);
                words[0] = uint64_t(first) << 32 | last;
            } else {
                words[0] =
                    uint64_t(uint8_t(at[0])) << 16 | uint64_t(uint8_t(at[size / 2])) << 8 | uint8_t(at[size - 1]);
            }
        }
        Key() = default;
        bool operator==(const Key&) const = default;
    };

    struct alignas(64) Slot {
        Key key;
        int32_t ids[max_ids] = {};
        float margin = 0;    // Unigram's
        uint32_t owner = 0;  // the model
        uint8_t size = 0, count = 0;

        bool holds(const Key& other, size_t bytes, uint32_t model) const {
            return key == other && size == bytes && owner == model;
        }
    };
    static_assert(sizeof(Slot) == 64);

    // Distinguishes the pieces of a model from those of all others.
    static uint32_t new_owner() {
        static std::atomic<uint32_t> last{0};
        return ++last;
    }

    static WordCache& of_this_thread() {
        thread_local WordCache* cache = nullptr;  // without a constructor, whose guard each access would test
        if (!cache) [[unlikely]] {
            thread_local const std::unique_ptr<WordCache> made(new WordCache);
            cache = made.get();
        }
        return *cache;
    }

    // The slot of a piece, or nothing.
    const Slot* find(const Key& key, size_t bytes, uint32_t owner) const {
        const Slot* const pair = slots_.data() + index_of(key, bytes, owner);
        for (int i = 0; i < 2; ++i)
            if (pair[i].holds(key, bytes, owner)) return pair + i;
        return nullptr;
    }

    // Makes room for a piece, in place of the older one of two. At most max_ids ids.
    Slot& insert(const Key& key, size_t bytes, uint32_t owner, const int32_t* ids, size_t count) {
        Slot* const pair = slots_.data() + index_of(key, bytes, owner);
        pair[1] = pair[0];
        pair[0].key = key;
        pair[0].size = uint8_t(bytes);
        pair[0].count = uint8_t(count);
        pair[0].owner = owner;
        std::memcpy(pair[0].ids, ids, count * sizeof(int32_t));
        return pair[0];
    }

private:
    static constexpr int pair_bits = 15;
    WordCache() : slots_(size_t(2) << pair_bits) {}

    static size_t index_of(const Key& key, size_t bytes, uint32_t owner) {
        uint64_t hash = (key.words[0] ^ bytes) * 0x9E3779B97F4A7C15 + (key.words[1] ^ owner) * 0xC2B2AE3D27D4EB4F;
        hash += std::rotl(key.words[2], 29) * 0xD6E8FEB86659FD93 + key.words[3] * 0xA0761D6478BD642F;
        return 2 * size_t((hash ^ hash >> 29) * 0x9E3779B97F4A7C15 >> (64 - pair_bits));
    }

    std::vector<Slot> slots_;
};

// Collects ids, because appending to a vector that may grow at each id is slow.
class IdBuffer {
public:
    explicit IdBuffer(std::vector<int32_t>& out) : out_(out) {}

    // Copies all ids of the slot and keeps `count` of them: no branch on the count.
    void append(const WordCache::Slot& slot) {
        if (used_ > capacity) flush();
        std::memcpy(ids_ + used_, slot.ids, sizeof slot.ids);
        used_ += slot.count;
    }
    void append(const int32_t* ids, size_t count) {
        flush();
        out_.insert(out_.end(), ids, ids + count);
    }
    void append(int32_t id) {
        if (used_ > capacity) flush();
        ids_[used_++] = id;
    }
    void flush() {
        out_.insert(out_.end(), ids_, ids_ + used_);
        used_ = 0;
    }

private:
    static constexpr size_t capacity = 256;
    std::vector<int32_t>& out_;
    size_t used_ = 0;
    int32_t ids_[capacity + 1 + WordCache::max_ids];
};

// The slot of a piece, filled by `encode(piece, ids)`, which appends its ids, if the cache lacks it. Nothing if the
// piece or its ids do not fit; then `ids` has them.
template <class Encode>
const WordCache::Slot* cached(std::string_view piece, uint32_t owner, WordCache& cache, std::vector<int32_t>& ids,
                              const Encode& encode) {
    if (piece.empty() || piece.size() > WordCache::longest_word) {
        ids.clear();
        encode(piece, ids);
        return nullptr;
    }
    const WordCache::Key key(piece);
    if (const WordCache::Slot* slot = cache.find(key, piece.size(), owner)) return slot;
    ids.clear();
    encode(piece, ids);
    if (ids.size() > size_t(WordCache::max_ids)) return nullptr;
    return &cache.insert(key, piece.size(), owner, ids.data(), ids.size());
}

}  // namespace gradus
