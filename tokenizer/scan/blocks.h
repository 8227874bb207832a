#pragma once
// The scanner of long texts: 64 bytes at a time.
//
// A block begins where a piece begins, so nothing of the text before it matters. A pattern computes the mask of the bytes where pieces
// begin (`starts`), each as far as the bytes of the block decide it; the next block begins at the last of them. So the end of a block needs
// no care, and costs a few bytes that are classified twice. A block without a start, and what the bits do not decide (white space and
// numbers that are not ASCII), is left to piece_end().
#include "tokenizer/scan/byte_masks.h"
#include "tokenizer/scan/scan.h"

namespace gradus {

inline constexpr ptrdiff_t block_bytes = 64, lookahead = 8;  // bytes after a block that may be read

// From so many bytes that are not ASCII on it pays to look for letters in all of them at once.
inline constexpr int many_high = 8;

inline uint64_t below(int bit) { return (uint64_t(1) << bit) - 1; }

// The first bit of the run of ones in `mask` that has bit i.
inline int run_begin(uint64_t mask, int i) {
    const uint64_t gaps = ~mask & below(i);
    return gaps == 0 ? 0 : 64 - std::countl_zero(gaps);
}

// The starts up to the run with the first bit of `undecided`; a run's first bit is decided by what is before it.
inline uint64_t decided(uint64_t starts, uint64_t undecided, uint64_t runs) {
    if (undecided == 0) return starts;
    const int first = run_begin(runs, std::countr_zero(undecided));
    return starts & (below(first) | uint64_t(1) << first);
}

// Appends at + each bit of `starts`, as offsets from `from`. Eight are written at once, needed or not: no branch on a number below eight.
inline uint32_t* append_starts(uint64_t starts, uint32_t from, uint32_t* ends) {
    const int count = std::popcount(starts);
    for (int done = 0; done < count; done += 8)
        for (int k = 0; k < 8; ++k) {
            ends[done + k] = from + uint32_t(std::countr_zero(starts));
            starts &= starts - 1;
        }
    return ends + count;
}

template <class Pattern, class Bytes>
ScannedPieces scan_blocks(const char* const text, const char* const end, uint32_t* const ends, size_t room) {
    const char* at = text;
    uint32_t* next = ends;
    const char* const last_text = end - text > ptrdiff_t(UINT32_MAX) - 256 ? text + (ptrdiff_t(UINT32_MAX) - 256) : end;
    while (at < last_text && room - size_t(next - ends) >= least_room) {
        uint64_t starts = 0;
        if (end - at >= block_bytes + lookahead) {
            ByteMasks masks = Bytes::classify(at);
            if (masks.high) classify_high(at, masks, std::popcount(masks.high) >= many_high ? Bytes::letters(at) : 0);
            // Bit 63 may need the byte after it; bit 0 is the piece that begins the block.
            starts = Pattern::starts(at, masks) & below(63) & ~uint64_t(1);
        }
        if (starts == 0) {
            at = Pattern::piece_end(at, end);
            *next++ = uint32_t(at - text);
            continue;
        }
        next = append_starts(starts, uint32_t(at - text), next);
        at += 63 - std::countl_zero(starts);
    }
    return {size_t(next - ends), at};
}

}  // namespace gradus
