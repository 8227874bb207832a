#pragma once
// Caches the ids of recent pieces of more than 15 bytes (piece_cache.h has the shorter ones): long words, runs of spaces, and in languages
// without spaces whole phrases.
//
// Direct-mapped by a hash of the bytes, which are compared; the table doubles while it fills, up to most_slots (8 MiB). Bytes and ids are
// in two lists; when one is full, all is forgotten.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus {

class LongPieceCache {
public:
    static constexpr size_t longest = 1024;  // bytes of a piece that is worth its place

    LongPieceCache() : slots_(first_slots) {}

    void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]); }

    // Empty if the piece is not known; a piece has ids.
    std::span<const int32_t> find(std::string_view piece, uint64_t hash) const {
        const Slot& slot = slots_[hash & (slots_.size() - 1)];
        if (slot.hash != hash || slot.bytes != piece.size() ||
            std::string_view(bytes_).substr(slot.first_byte, slot.bytes) != piece)
            return {};
        return {ids_.data() + slot.first_id, slot.ids};
    }

    void insert(std::string_view piece, uint64_t hash, std::span<const int32_t> ids) {
        if (piece.size() > longest) return;
        if (bytes_.size() + piece.size() > most_bytes || ids_.size() + ids.size() > most_ids) clear();
        if (++inserted_ > slots_.size() / 2 && slots_.size() < most_slots) grow();
        slots_[hash & (slots_.size() - 1)] = {hash, uint32_t(bytes_.size()), uint32_t(piece.size()),
                                              uint32_t(ids_.size()), uint32_t(ids.size())};
        bytes_ += piece;
        ids_.insert(ids_.end(), ids.begin(), ids.end());
    }

    void clear() {
        slots_.assign(first_slots, Slot{});
        inserted_ = 0;
        bytes_.clear();
        ids_.clear();
    }

private:
    struct Slot {
        uint64_t hash = 0;
        uint32_t first_byte = 0, bytes = 0, first_id = 0, ids = 0;
    };
    static constexpr size_t first_slots = size_t(1) << 10, most_slots = size_t(1) << 18, most_bytes = size_t(1) << 24,
                            most_ids = size_t(1) << 23;

    void grow() {
        const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
        for (const Slot& slot : old)
            if (slot.bytes > 0) slots_[slot.hash & (slots_.size() - 1)] = slot;
    }

    std::vector<Slot> slots_;
    size_t inserted_ = 0;
    std::string bytes_;
    std::vector<int32_t> ids_;
};

}  // namespace gradus
