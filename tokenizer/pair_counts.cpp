// Counts of pairs.
#include "tokenizer/pair_counts.h"

#include "tokenizer/pair_key.h"

namespace gradus {

uint32_t PairCounts::index_of(uint64_t pair) {
    size_t at = hash_pair(pair) & (slots_.size() - 1);
    for (; slots_[at] != empty; at = (at + 1) & (slots_.size() - 1))
        if (entries_[slots_[at]].pair == pair) return slots_[at];
    const uint32_t index = uint32_t(entries_.size());
    slots_[at] = index;
    entries_.push_back({pair, 0, {}});
    if (entries_.size() * 2 > slots_.size()) grow();
    return index;
}

void PairCounts::grow() {
    slots_.assign(slots_.size() * 2, empty);
    for (uint32_t index = 0; index < entries_.size(); ++index) {
        size_t at = hash_pair(entries_[index].pair) & (slots_.size() - 1);
        while (slots_[at] != empty) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = index;
    }
}

void PairCounts::add(uint64_t pair, int64_t count, uint32_t word) {
    const uint32_t index = index_of(pair);
    Entry& entry = entries_[index];
    entry.count += count;
    if (count < 0) return;
    if (entry.new_words.empty()) appeared_.push_back(index);
    if (entry.new_words.empty() || entry.new_words.back() != word) entry.new_words.push_back(word);
}

}  // namespace gradus
