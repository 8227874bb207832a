#pragma once
// A hash table from pairs of adjacent tokens to the rank and result of their merge.
#include <bit>
#include <cstdint>
#include <vector>

#include "tokenizer/pair_key.h"

namespace gradus {

class PairRanks {
public:
    static constexpr uint32_t no_rank = UINT32_MAX;
    struct Found {
        uint32_t rank = no_rank;
        int32_t result = -1;
    };

    explicit PairRanks(size_t pairs) : slots_(std::bit_ceil(2 * pairs + 2)) {}

    // Replaces an older entry. At most as many pairs as the table was made for; rank < no_rank.
    void set(int32_t left, int32_t right, Found found) {
        Slot& slot = slots_[index_of(pair_of(left, right))];
        slot = {pair_of(left, right), found};
    }
    Found find(int32_t left, int32_t right) const { return slots_[index_of(pair_of(left, right))].found; }

private:
    struct Slot {
        uint64_t pair = 0;
        Found found;
    };
    size_t index_of(uint64_t pair) const {
        size_t at = hash_pair(pair) & (slots_.size() - 1);
        while (slots_[at].found.rank != no_rank && slots_[at].pair != pair) at = (at + 1) & (slots_.size() - 1);
        return at;
    }
    std::vector<Slot> slots_;  // open addressing, at most half full
};

}  // namespace gradus
