#pragma once
// How often each piece occurs in a corpus, which is all that a trainer needs.
//
// A hundred megabytes of English have about half a million distinct pieces, so the counts of a corpus take a fraction
// of its size, and it can be far larger than memory. Counts have 64 bits.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/scan/scan.h"
#include "tokenizer/text_source.h"

namespace gradus {

class PieceCounter {
public:
    struct Piece {
        std::string_view bytes;  // owned by the counter
        int64_t count;
        uint64_t hash;
    };

    PieceCounter() : slots_(size_t(1) << 12) {}

    void add(std::string_view piece, uint64_t hash, int64_t count);
    void add_pieces_of(std::string_view text, KnownPattern pattern);
    void add(const PieceCounter& other);
    size_t distinct() const { return used_; }

    // In an order that depends only on the pieces, not on their order in the corpus or the number of threads.
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

// Progress so far.
struct CountingProgress {
    uint64_t texts = 0, bytes = 0;
};

// Counts the pieces that the pattern makes of all texts, with `threads` threads; `report` is called from time to time, by one thread at a time.
// An Error from the source ends the counting and is rethrown.
PieceCounter count_pieces(const TextSource& next, KnownPattern pattern, int threads,
                          const std::function<void(CountingProgress)>& report);

}  // namespace gradus
