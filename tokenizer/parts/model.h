#pragma once
// What makes tokens of a piece, as in the "model" of tokenizer.json. The tokens' names are in TokenizerParts::vocabulary.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace gradus::parts {

// The adjacent tokens `left` and `right` of a piece become `result`. The index in the list is the rank.
struct Merge {
    int32_t left, right, result;
    bool operator==(const Merge&) const = default;
};

// Byte-pair encoding: characters, then merges in the order of their ranks.
struct Bpe {
    std::vector<Merge> merges;
    std::optional<double> dropout;       // probability of leaving out a merge
    std::optional<std::string> unknown;  // the token of characters that are none
    std::string continuing_prefix;       // of tokens that do not begin a piece
    std::string end_of_word_suffix;      // of tokens that end one
    bool fuse_unknown = false;           // adjacent unknown tokens become one
    bool byte_fallback = false;  // an unknown character becomes the tokens <0x00> to <0xFF> of its bytes, if all exist
    bool ignore_merges = false;  // a piece that is a token becomes that token, even if the merges give another result
    bool operator==(const Bpe&) const = default;
};

// The longest token that begins the rest of the word, again and again.
struct WordPiece {
    std::string unknown = "[UNK]";  // the token of a word that cannot be split this way
    std::string continuing_prefix = "##";
    uint64_t max_input_chars_per_word = 100;  // longer words are unknown
    bool operator==(const WordPiece&) const = default;
};

// A piece is a token, or unknown.
struct WordLevel {
    std::string unknown = "<unk>";
    bool operator==(const WordLevel&) const = default;
};

// The tokens with the highest sum of scores (logarithms of probabilities).
struct Unigram {
    std::vector<double> scores;  // of each id
    std::optional<int32_t> unknown;
    bool byte_fallback = false;  // as above
    bool operator==(const Unigram&) const = default;
};

// gradus' own: a token for each character. In a file it is BPE without merges and without a pre-tokenizer.
struct Characters {
    bool operator==(const Characters&) const = default;
};

using Model = std::variant<Bpe, WordPiece, WordLevel, Unigram, Characters>;

}  // namespace gradus::parts
