#pragma once
// Remembers the ids of pieces met before: direct-mapped, one per thread, so it needs neither locks nor eviction.
//
// Text repeats itself: well over nine pieces in ten are answered here, with one cache line read and no branch on how
// many ids there are.
#include <cstdint>
#include <vector>

#include "tokenizer/piece_key.h"

namespace gradus {

class PieceCache {
public:
    static constexpr int most_ids = 3;

    struct alignas(32) Slot {
        PieceKey key;
        int32_t ids[most_ids] = {};
        int32_t count = 0;
    };

    // This thread's cache, emptied if it last served another model. `owner` is a number that no other model has.
    static PieceCache& of_this_thread(uint64_t owner) {
        thread_local PieceCache cache;
        if (cache.owner_ != owner) {
            cache.slots_.assign(slot_count, Slot{});
            cache.owner_ = owner;
        }
        return cache;
    }

    Slot& slot(uint64_t hash) { return slots_[hash % slot_count]; }

private:
    static constexpr size_t slot_count = size_t(1) << 16;
    std::vector<Slot> slots_;
    uint64_t owner_ = 0;
};

}  // namespace gradus
