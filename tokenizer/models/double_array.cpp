// Building a double array: nodes are placed from the root on, each where all its children fit.
#include "tokenizer/models/double_array.h"

#include <algorithm>

#include "engine/base/error.h"

namespace gradus {

class DoubleArrayBuilder {
public:
    using Entry = DoubleArray::Entry;

    DoubleArrayBuilder(const std::vector<Entry>& entries, DoubleArray& out) : entries_(entries), units_(out.units_) {
        add_block();
        take(0, 0);               // the root, whose label no parent looks for
        base_is_used_[0] = true;  // the base of leaves
        std::vector<Range> ranges = {{0, 0, entries_.size(), 0}};
        while (!ranges.empty()) {
            const Range range = ranges.back();
            ranges.pop_back();
            place_children(range, ranges);
        }
    }

private:
    // The entries [begin, end) share their first `depth` bytes, which lead to `node`.
    struct Range {
        uint32_t node;
        size_t begin, end, depth;
    };
    static constexpr uint32_t block = 256, open_blocks = 16;
    static constexpr uint32_t most_units = uint32_t(1) << 27;

    void place_children(Range range, std::vector<Range>& ranges) {
        if (range.begin < range.end && entries_[range.begin].key.size() == range.depth)
            units_[range.node].value_plus_one = uint64_t(entries_[range.begin++].value) + 1;
        if (range.begin == range.end) return;
        labels_.clear();
        const size_t first = ranges.size();
        for (size_t i = range.begin; i < range.end; ++i) {
            const uint8_t label = uint8_t(entries_[i].key[range.depth]);
            if (labels_.empty() || labels_.back() != label) {
                labels_.push_back(label);
                ranges.push_back({0, i, i, range.depth + 1});
            }
            ++ranges.back().end;
        }
        const uint32_t base = find_base();
        base_is_used_[base] = true;
        units_[range.node].base = base;
        for (size_t i = 0; i < labels_.size(); ++i) {
            take(base ^ labels_[i], labels_[i]);
            ranges[first + i].node = base ^ labels_[i];
        }
    }

    // Only the last blocks are searched, so that a search is short; what is free before them stays free.
    uint32_t find_base() {
        for (uint32_t at = first_free_; at != DoubleArray::no_node; at = next_[at]) {
            const uint32_t base = at ^ labels_[0];
            if (!base_is_used_[base] && fits(base)) return base;
        }
        add_block();
        return uint32_t(units_.size()) - block;
    }

    bool fits(uint32_t base) const {
        for (const uint8_t label : labels_)
            if (units_[base ^ label].label != DoubleArray::free_label) return false;
        return true;
    }

    void add_block() {
        const uint32_t begin = uint32_t(units_.size());
        if (begin + block > most_units)
            throw Error("the vocabulary is too large", "its tokens have more than 2^27 distinct prefixes",
                        "use a smaller vocabulary");
        units_.resize(begin + block);
        base_is_used_.resize(begin + block, false);
        next_.resize(begin + block);
        previous_.resize(begin + block);
        for (uint32_t at = begin; at < begin + block; ++at) {
            next_[at] = DoubleArray::no_node;
            previous_[at] = last_free_;
            (last_free_ == DoubleArray::no_node ? first_free_ : next_[last_free_]) = at;
            last_free_ = at;
        }
        const uint32_t blocks = uint32_t(units_.size()) / block;
        if (blocks > open_blocks)
            for (uint32_t at = (blocks - open_blocks - 1) * block; at < (blocks - open_blocks) * block; ++at)
                if (units_[at].label == DoubleArray::free_label) unlink(at);
    }

    void take(uint32_t at, uint8_t label) {
        units_[at].label = label;
        unlink(at);
    }

    void unlink(uint32_t at) {
        const uint32_t before = previous_[at], after = next_[at];
        (before == DoubleArray::no_node ? first_free_ : next_[before]) = after;
        (after == DoubleArray::no_node ? last_free_ : previous_[after]) = before;
    }

    const std::vector<Entry>& entries_;
    std::vector<DoubleArray::Unit>& units_;
    std::vector<bool> base_is_used_;
    std::vector<uint32_t> next_, previous_;  // the list of free units in open blocks
    uint32_t first_free_ = DoubleArray::no_node, last_free_ = DoubleArray::no_node;
    std::vector<uint8_t> labels_;
};

DoubleArray::DoubleArray(std::vector<Entry> entries) {
    std::erase_if(entries, [](const Entry& entry) { return entry.key.empty(); });
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
    size_t kept = 0;
    for (size_t i = 0; i < entries.size(); ++i) {
        CHECK(entries[i].value >= 0 && entries[i].value < (1 << 28) - 1);
        if (kept > 0 && entries[kept - 1].key == entries[i].key) --kept;
        entries[kept++] = entries[i];
    }
    entries.resize(kept);
    DoubleArrayBuilder(entries, *this);
}

uint32_t DoubleArray::walk(std::string_view text, uint32_t node) const {
    for (size_t i = 0; i < text.size() && node != no_node; ++i) node = step(node, text[i]);
    return node;
}

int32_t DoubleArray::find(std::string_view key) const {
    const uint32_t node = walk(key);
    return node == no_node ? -1 : value(node);
}

}  // namespace gradus
