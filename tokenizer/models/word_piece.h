#pragma once
// WordPiece: the longest token that begins the rest of the word, again and again.
//
// Tokens that do not begin a word have the continuing prefix ("##") in their names. A word that cannot be split this
// way, or that has more characters than the limit, is one unknown token. Cost: the number of bytes times the length of
// the longest token at most, about one step per byte in ordinary text: a cache of words would be slower.
// Source: Schuster, Nakajima 2012, "Japanese and Korean voice search"; BERT's tokenization.py.
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/models/model_token.h"
#include "tokenizer/models/token_names.h"
#include "tokenizer/parts/model.h"

namespace gradus {

class WordPieceModel {
public:
    WordPieceModel(const parts::WordPiece& parts, const TokenNames& names);

    // Appends the tokens of a word. Thread-safe. Error: an unknown word, and no unknown token in the vocabulary.
    void encode(std::string_view piece, std::vector<ModelToken>& out) const;
    void encode(std::string_view piece, std::vector<int32_t>& out) const;

private:
    template <class Append>
    bool split(std::string_view word, const Append& append) const;
    int32_t unknown_id(std::string_view word) const;

    std::string unknown_;
    uint64_t max_chars_;
    DoubleArray ids_;
    int32_t unknown_id_;
    uint32_t continuing_root_;  // of the trie: after the prefix
};

}  // namespace gradus
