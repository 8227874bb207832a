#pragma once
// Byte-pair encoding of pieces of UTF-8, with all options of tokenizer.json; byte_bpe.h is faster for byte-level ones.
//
// Each character of a piece begins as its own token: named with the continuing prefix if it is not the first, and with
// the end-of-word suffix if it is the last. A character without a token becomes the tokens <0x00> to <0xFF> of its
// bytes (byte_fallback), or the unknown token, or nothing if the tokenizer has neither. Then, while some adjacent pair
// of tokens has a merge, the pair with the lowest rank, the leftmost on a tie, is replaced by its result.
//
// A piece may be a whole text, as with SentencePiece's files: n log n steps. It is encoded in parts between which no
// merge reaches (joints.h), and parts are cached. A token that the merges make of its own characters needs none.
// Source: Sennrich, Haddow, Birch 2016 (arXiv:1508.07909); dropout: Provilkov, Emelianenko, Voita 2020
// (arXiv:1910.13267).
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/models/code_point_ids.h"
#include "tokenizer/models/joints.h"
#include "tokenizer/models/model_token.h"
#include "tokenizer/models/pair_ranks.h"
#include "tokenizer/models/token_names.h"
#include "tokenizer/parts/model.h"

namespace gradus {

// What differs between SentencePiece's files and tokenizer.json.
struct BpeRules {
    std::vector<uint32_t> ranks;  // of each merge; empty: its index. Merges of equal rank are done from left to right
    std::vector<int32_t> user_defined;  // tokens that are found before all others (the longest), and never merged
};

class BpeModel {
public:
    // Error: merges or user-defined tokens outside the vocabulary, a dropout that is not a probability, not one rank
    // for each merge.
    BpeModel(const parts::Bpe& parts, const TokenNames& names, const BpeRules& rules = {});

    static constexpr size_t longest_piece = size_t(1) << 30;

    // Appends the tokens of a piece, without dropout. Thread-safe. Error: a piece longer than longest_piece; an unknown
    // character, and the unknown token is not in the vocabulary.
    void encode(std::string_view piece, std::vector<ModelToken>& out) const;
    void encode(std::string_view piece, std::vector<int32_t>& out) const;  // with a cache of words

    // Each time that a merge is the best one, it is passed over with probability Bpe::dropout until another one was
    // done. A pure function of the key and the counter (engine/base/philox.h).
    void encode_with_dropout(std::string_view piece, uint64_t key, uint64_t counter,
                             std::vector<ModelToken>& out) const;

private:
    void build_characters(const TokenNames& names);
    void build_joints(const std::vector<parts::Merge>& merges, const TokenNames& names);
    void build_whole(const TokenNames& names);
    template <class Visit>
    void for_each_part(std::string_view piece, const Joints& joints, const Visit& visit) const;
    int32_t ignoring_merges(std::string_view piece) const;
    void characters_of(std::string_view text, uint32_t at, std::vector<ModelToken>& out) const;
    void encode_part(std::string_view part, uint32_t at, std::vector<ModelToken>& out) const;
    bool continues_unknown(int32_t before, int32_t after) const;

    parts::Bpe options_;  // without its merges
    DoubleArray ids_, user_defined_;
    DoubleArray whole_;  // the tokens that the merges make of their own characters
    bool has_user_defined_;
    int32_t unknown_id_ = -1;
    std::array<int32_t, 256> id_of_byte_;
    CodePointIds characters_[2][2];  // [not the first][the last]: the tokens of characters
    PairRanks ranks_;
    Joints joints_;
    uint32_t owner_;
};

}  // namespace gradus
