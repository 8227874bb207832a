#pragma once
// A byte-level n-gram model: a baseline that a language model must clearly beat.
//
//   p(c | h) = ( count(h,c) + kinds(h)·p(c | h') ) / ( count(h) + kinds(h) )
//
// where h' is h without its oldest byte, kinds(h) the number of different bytes seen after h, and the shortest context
// falls back on 1/256. Contexts do not extend beyond the start of a document.
//
// Source: Witten, Bell 1991 (method C), interpolated as in Chen, Goodman 1998.
#include <cstdint>
#include <string_view>
#include <vector>

namespace gradus {

class ByteNgram {
public:
    // order: the longest context, in bytes.
    explicit ByteNgram(int order = 5) : order_(order) {}

    void learn(std::string_view document);
    // The cost of the document in bits, including all of its bytes.
    double bits(std::string_view document) const;

private:
    // An open-addressing table from a 64-bit key to two counts.
    struct Table {
        struct Slot {
            uint64_t key = 0;
            uint32_t count = 0, kinds = 0;
        };
        std::vector<Slot> slots = std::vector<Slot>(1 << 16);
        size_t used = 0;

        Slot& at(uint64_t key);  // inserted if it is new
        const Slot* find(uint64_t key) const;
        void grow();
    };

    int order_;
    Table contexts_, followers_;  // count(h), kinds(h); count(h,c)
};

}  // namespace gradus
