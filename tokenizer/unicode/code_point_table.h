#pragma once
// A value for each code point in two stages: pages of 128 code points, of which equal ones are stored once.
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "tokenizer/unicode/tables.h"

namespace gradus {

inline constexpr char32_t code_point_count = 0x110000;

template <class Value>
class CodePointTable {
public:
    explicit CodePointTable(const std::vector<Value>& values) {
        std::map<std::vector<Value>, uint16_t> known;
        for (size_t page = 0; page < page_count; ++page) {
            const auto first = values.begin() + long(page * page_size);
            const std::vector<Value> content(first, first + page_size);
            const auto [at, is_new] = known.try_emplace(content, uint16_t(known.size()));
            if (is_new) values_.insert(values_.end(), content.begin(), content.end());
            pages_[page] = at->second;
        }
    }

    // code < code_point_count
    Value operator[](char32_t code) const {
        return values_[size_t(pages_[code / page_size]) * page_size + code % page_size];
    }

private:
    static constexpr size_t page_size = 128, page_count = code_point_count / page_size;
    std::array<uint16_t, page_count> pages_;
    std::vector<Value> values_;
};

// The values of all code points from runs of the generated tables.
template <class Value>
std::vector<Value> expand_runs(const unicode_tables::Numbers<uint32_t>& runs) {
    std::vector<Value> values;
    values.reserve(code_point_count);
    for (size_t i = 0; i + 1 < runs.size; i += 2) values.insert(values.end(), runs.first[i], Value(runs.first[i + 1]));
    return values;
}

}  // namespace gradus
