#pragma once
// Byte-level BPE as a model: pieces of text in, ids out.
//
// Each byte of a piece starts as its own token. While some adjacent pair (a, b) is in the list of merges, the pair with
// the lowest rank, the leftmost on a tie, is replaced by its result. Cost: n^2/2 steps for parts of up to 64 bytes,
// where a scan is fastest, and n log n for longer ones. Shortcuts that never change an id: a table of the tokens that
// the merges produce from their own bytes, a cache per thread (piece_cache.h), scanners instead of regular expressions
// (scan/scan.h), and splitting long pieces where no merge crosses (safe_breaks.h).
// Source: Sennrich, Haddow, Birch 2016 (arXiv:1508.07909); GPT-2's encoder.py.
//
// encode() works in rounds, so that the memory has time: find some hundred pieces; compute their keys and ask for the cache lines; then
// read these and write the ids.
//
// Error: a piece with more than `longest_part` bytes between two such splits, which no real text has; merging takes
// about 30 bytes of memory per byte.
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/piece_cache.h"
#include "tokenizer/safe_breaks.h"
#include "tokenizer/scan/scan.h"
#include "tokenizer/tokenizer_parts.h"

namespace gradus {

class ByteBpe {
public:
    // The vocabulary must have each of the 256 bytes as a token; merges refer to its tokens. `parts` must outlive the
    // model.
    explicit ByteBpe(const TokenizerParts& parts);
    ByteBpe(const ByteBpe&) = delete;
    ByteBpe& operator=(const ByteBpe&) = delete;

    static constexpr size_t longest_part = size_t(256) << 20;

    // The ids of any bytes, split into pieces by the pattern of the parts. Thread-safe.
    void encode(std::string_view text, std::vector<int32_t>& out) const;

    // The ids of one piece by the merges only, without shortcuts.
    void merge_piece(std::string_view piece, std::vector<int32_t>& out) const;

private:
    static constexpr uint32_t no_rank = UINT32_MAX;
    struct PairSlot {
        uint64_t pair;
        uint32_t rank;
    };
    struct TokenSlot {
        uint32_t tag;  // high half of the hash: rejects most other pieces without comparing bytes
        int32_t id;    // -1: empty
    };

    void build_pair_table(const TokenizerParts& parts);
    void build_token_table(const TokenizerParts& parts);
    size_t part_end(std::string_view piece, size_t begin) const;
    uint32_t rank_of(int32_t left, int32_t right) const;
    int32_t whole_token(std::string_view piece, uint64_t hash) const;
    void encode_long(std::string_view piece, uint64_t hash, PieceCache& cache, std::vector<int32_t>& out) const;
    void encode_parts(std::string_view piece, uint64_t hash, PieceCache& cache, std::vector<int32_t>& out) const;
    void encode_short(std::string_view piece, PieceKey key, uint64_t hash, PieceCache& cache,
                      std::vector<int32_t>& out) const;
    void encode_uncached(std::string_view piece, uint64_t hash, std::vector<int32_t>& out) const;
    void merge_part(std::string_view part, std::vector<int32_t>& out) const;
    void merge_short(std::string_view piece, std::vector<int32_t>& out) const;
    void merge_long(std::string_view part, std::vector<int32_t>& out) const;

    uint64_t identity_;  // distinguishes this model's cached pieces from those of other models
    const Vocabulary& vocabulary_;
    KnownPattern pattern_;
    bool ignore_merges_;
    int32_t id_of_byte_[256];
    std::vector<int32_t> result_of_rank_;
    std::vector<PairSlot> pairs_;              // open addressing, at most half full
    std::vector<uint32_t> rank_of_two_bytes_;  // [256 * left + right]: the initial ranks of a piece, without a search
    std::vector<TokenSlot> tokens_;            // open addressing, at most half full
    SafeBreaks breaks_;
};

}  // namespace gradus
