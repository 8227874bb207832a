// Set operations on sorted ranges.
#include "tokenizer/split/code_set.h"

#include <algorithm>

namespace gradus {

void CodeSet::add(const CodeSet& other) {
    std::vector<CodeRange> all;
    all.reserve(ranges_.size() + other.ranges_.size());
    std::merge(ranges_.begin(), ranges_.end(), other.ranges_.begin(), other.ranges_.end(), std::back_inserter(all),
               [](const CodeRange& a, const CodeRange& b) { return a.first < b.first; });
    ranges_.clear();
    for (const CodeRange range : all) {
        if (!ranges_.empty() && range.first <= ranges_.back().last + 1)
            ranges_.back().last = std::max(ranges_.back().last, range.last);
        else ranges_.push_back(range);
    }
}

bool CodeSet::operator==(const CodeSet& other) const {
    return std::equal(ranges_.begin(), ranges_.end(), other.ranges_.begin(), other.ranges_.end(),
                      [](const CodeRange& a, const CodeRange& b) { return a.first == b.first && a.last == b.last; });
}

CodeSet CodeSet::complement() const {
    CodeSet set;
    char32_t next = 0;
    for (const CodeRange range : ranges_) {
        if (range.first > next) set.ranges_.push_back({next, range.first - 1});
        next = range.last + 1;
    }
    if (next < 0x110000) set.ranges_.push_back({next, 0x10FFFF});
    return set;
}

CodeSet CodeSet::intersection(const CodeSet& other) const {
    CodeSet outside = complement();
    outside.add(other.complement());
    return outside.complement();
}

}  // namespace gradus
