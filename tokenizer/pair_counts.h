#pragma once
// How often each adjacent pair occurs, and in which words it has newly appeared.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gradus {

class PairCounts {
public:
    struct Entry {
        uint64_t pair;
        int64_t count;
        std::vector<uint32_t> new_words;
    };

    PairCounts() : slots_(size_t(1) << 12, empty) {}

    // `index` stays valid; references to entries do not.
    uint32_t index_of(uint64_t pair);
    Entry& operator[](uint32_t index) { return entries_[index]; }

    // Adds `count` (may be negative) to the pair's count, in this word.
    void add(uint64_t pair, int64_t count, uint32_t word);
    // The pairs that appeared in words since the last call, in order of first appearance.
    std::vector<uint32_t> take_appeared() {
        std::vector<uint32_t> taken;
        taken.swap(appeared_);
        return taken;
    }

private:
    static constexpr uint32_t empty = UINT32_MAX;
    void grow();

    std::vector<uint32_t> slots_;  // open addressing, at most half full: indices of entries
    std::vector<Entry> entries_;
    std::vector<uint32_t> appeared_;
};

}  // namespace gradus
