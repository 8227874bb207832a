#pragma once
// A set of code points as sorted ranges that do not touch.
#include <string>
#include <vector>

#include "tokenizer/unicode_ranges.h"

namespace gradus {

class CodeSet {
public:
    CodeSet() = default;
    CodeSet(char32_t first, char32_t last) : ranges_{{first, last}} {}
    template <class Contains>
    static CodeSet where(Contains&& contains) {
        CodeSet set;
        for (char32_t code = 0, first; code < 0x110000; ++code) {
            if (!contains(code)) continue;
            for (first = code; code < 0x110000 && contains(code);) ++code;
            set.ranges_.push_back({first, code - 1});
        }
        return set;
    }

    void add(const CodeSet& other);
    CodeSet complement() const;
    CodeSet intersection(const CodeSet& other) const;

    bool operator==(const CodeSet& other) const;
    const std::vector<CodeRange>& ranges() const { return ranges_; }

private:
    std::vector<CodeRange> ranges_;
};

}  // namespace gradus
