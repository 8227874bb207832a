#pragma once
// The tokens of single characters: a table of pages of 256 code points.
#include <cstdint>
#include <vector>

namespace gradus {

class CodePointIds {
public:
    CodePointIds() : pages_(0x110000 / page_size, 0), ids_(page_size, -1) {}

    void set(char32_t code, int32_t id) {
        uint32_t& page = pages_[code / page_size];
        if (page == 0) {
            page = uint32_t(ids_.size());
            ids_.resize(ids_.size() + page_size, -1);
        }
        ids_[page + code % page_size] = id;
    }
    // The id, or -1. code <= U+10FFFF.
    int32_t find(char32_t code) const { return ids_[pages_[code / page_size] + code % page_size]; }

private:
    static constexpr uint32_t page_size = 256;
    std::vector<uint32_t> pages_;  // where the page begins in ids_; 0: the empty one
    std::vector<int32_t> ids_;
};

}  // namespace gradus
