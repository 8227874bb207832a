#pragma once
// How often each piece occurs in a corpus: all that a trainer needs to know of it.
//
// A hundred megabytes of English have about half a million distinct pieces, so a corpus far larger than memory is
// counted in a fraction of it. Counts have 64 bits.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/text_source.h"

namespace gradus {

class PieceCounter {
public:
    struct Piece {
        std::string_view bytes;  // lives in the counter
        int64_t count;
        uint64_t hash;
    };

    PieceCounter() : slots_(size_t(1) << 12) {}

    void add(std::string_view piece, uint64_t hash, int64_t count);
    void add_pieces_of(std::string_view text);
    void add(const PieceCounter& other);
    size_t distinct() const { return used_; }

    // In an order that depends on the pieces alone: not on the order they came in, nor on how many threads counted.
    std::vector<Piece> sorted() const;

private:
    struct Slot {
        uint64_t hash = 0;
        int64_t count = 0;  // 0: empty
        size_t begin = 0, length = 0;
    };

    std::string_view bytes_of(const Slot& slot) const { return {arena_.data() + slot.begin, slot.length}; }
    void grow();

    std::string arena_;
    std::vector<Slot> slots_;  // open addressing, at most half full
    size_t used_ = 0;
};

// What has been counted so far.
struct CountingProgress {
    uint64_t texts = 0, bytes = 0;
};

// Counts the pieces of all texts with `threads` threads; `report` is called now and then, by one thread at a time.
// An Error thrown by the source ends the counting and is thrown on.
PieceCounter count_pieces(const TextSource& next, int threads, const std::function<void(CountingProgress)>& report);

}  // namespace gradus
