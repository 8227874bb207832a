#pragma once
// Caches the ids of recent pieces of up to 15 bytes: one cache per thread, so it needs no locks.
//
// Text is repetitive: the cache answers well over nine pieces in ten. A bucket is one cache line with two slots, and a slot has its key and
// its ids, so an answer costs one access to memory, which prefetch() starts early. A new piece moves the older one of its bucket aside and
// evicts the oldest. The table doubles as it fills, up to most_buckets (64 MiB); ids that do not fit in a slot are in a second list,
// and when that is full all is forgotten.
#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tokenizer/huge_array.h"
#include "tokenizer/long_piece_cache.h"
#include "tokenizer/piece_key.h"

namespace gradus {

class PieceCache {
public:
    static constexpr int ids_of_slot = 3;

    struct alignas(32) Slot {
        PieceKey key;  // of an empty piece: an empty slot
        int32_t ids[ids_of_slot];
        int32_t count;  // if larger than ids_of_slot, ids[0] is a place in the list of longer results
    };

private:
    struct alignas(64) Bucket {
        Slot slots[2];
    };

public:
    // This thread's cache, cleared if another model used it last. `owner` is a number unique to the model.
    static PieceCache& of_this_thread(uint64_t owner) {
        thread_local PieceCache cache;
        if (cache.owner_ != owner) {
            cache.clear();
            cache.owner_ = owner;
        }
        return cache;
    }

    LongPieceCache longer_pieces;

    // What a loop keeps in registers. Invalidated by insert().
    class View {
    public:
        void prefetch(uint64_t hash) const { __builtin_prefetch(&buckets_[hash & mask_]); }

        // The slot that has the key, if any has it.
        const Slot& slot(PieceKey key, uint64_t hash) const {
            const Bucket& here = buckets_[hash & mask_];
            return here.slots[here.slots[1].key == key];
        }

    private:
        friend PieceCache;
        View(const Bucket* buckets, size_t mask) : buckets_(buckets), mask_(mask) {}
        const Bucket* buckets_;
        size_t mask_;
    };
    View view() const { return {&buckets_[0], buckets_.size() - 1}; }

    // Of a slot.
    std::span<const int32_t> ids(const Slot& slot) const {
        const int32_t* const first = slot.count > ids_of_slot ? &longer_[size_t(slot.ids[0])] : slot.ids;
        return {first, size_t(slot.count)};
    }

    // A key that no slot has. Invalidates slots and ids.
    void insert(PieceKey key, uint64_t hash, std::span<const int32_t> ids) {
        if (longer_.size() + ids.size() > most_longer) clear();
        if (++inserted_ > buckets_.size() && buckets_.size() < most_buckets) grow();
        Slot slot = {key, {}, int32_t(ids.size())};
        if (slot.count <= ids_of_slot) {
            std::copy(ids.begin(), ids.end(), slot.ids);
        } else {
            slot.ids[0] = int32_t(longer_.size());
            longer_.insert(longer_.end(), ids.begin(), ids.end());
        }
        put(slot, hash);
    }

private:
    static constexpr size_t first_buckets = size_t(1) << 11, most_buckets = size_t(1) << 20,
                            most_longer = size_t(1) << 22;

    void put(const Slot& slot, uint64_t hash) {
        Bucket& here = buckets_[hash & (buckets_.size() - 1)];
        here.slots[1] = here.slots[0];
        here.slots[0] = slot;
    }

    void clear() {
        buckets_ = HugeArray<Bucket>(first_buckets);
        longer_.clear();
        inserted_ = 0;
        longer_pieces.clear();
    }

    void grow() {
        const HugeArray<Bucket> old = std::exchange(buckets_, HugeArray<Bucket>(buckets_.size() * 2));
        inserted_ = 0;
        for (size_t i = 0; i < old.size(); ++i)
            for (const Slot& slot : {old[i].slots[1], old[i].slots[0]})
                if (!(slot.key == PieceKey{})) {
                    put(slot, hash_piece_key(slot.key));
                    ++inserted_;
                }
    }

    HugeArray<Bucket> buckets_;
    std::vector<int32_t> longer_;
    size_t inserted_ = 0;
    uint64_t owner_ = 0;
};

}  // namespace gradus
