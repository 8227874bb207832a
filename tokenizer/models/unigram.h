#pragma once
// Unigram language model: of all ways to write a text with tokens, the one with the highest sum of scores, found by
// Viterbi's algorithm. Scores are logarithms of probabilities.
//
// A character that is no token is an unknown token with the score min(scores) - 10; adjacent unknown tokens become one,
// or with byte_fallback the tokens <0x00> to <0xFF> of their bytes. Of equal sums the first one found counts, by start
// from left to right: as in Hugging Face's tokenizers, which add in f64, and in SentencePiece, which adds in f32.
//
// Cost: bytes times the length of the longest token at most. A text is encoded in parts between which no token reaches
// (joints.h), and parts are cached. Sums run on over parts, so their rounding could decide between two ways that are
// nearly equal; a cached part counts only if the difference between its ways is larger than any rounding.
// Source: Kudo 2018, "Subword regularization" (arXiv:1804.10959).
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/models/joints.h"
#include "tokenizer/models/model_token.h"
#include "tokenizer/models/token_names.h"
#include "tokenizer/models/word_cache.h"
#include "tokenizer/parts/model.h"

namespace gradus {

// What differs between SentencePiece's files and tokenizer.json.
struct UnigramRules {
    bool single_precision = false;  // sums in f32
    std::vector<int32_t>
        never_in_text;  // control, unknown, byte and unused tokens: not found in text, not in min(scores)
    std::vector<int32_t> user_defined;  // win over others of the same bytes: score max(scores) · bytes - 0.1
};

class UnigramModel {
public:
    // Error: not one finite score for each name, or ids outside the vocabulary.
    UnigramModel(const parts::Unigram& parts, const TokenNames& names, const UnigramRules& rules = {});

    // Appends the best tokens of a piece of less than 2^32 bytes. The offsets of the tokens of bytes are those of the
    // whole unknown text. Thread-safe. Error: an unknown character, and no unknown token.
    void encode(std::string_view piece, std::vector<ModelToken>& out) const;
    void encode(std::string_view piece, std::vector<int32_t>& out) const;  // with a cache of words

    struct Way {
        std::vector<ModelToken> tokens;
        double score;
    };
    // The `count` best ways to write a piece, best first; fewer if there are fewer.
    std::vector<Way> best_ways(std::string_view piece, size_t count) const;
    // A random way: each with a probability proportional to exp(alpha · score). A pure function of the key and the
    // counter (engine/base/philox.h).
    std::vector<ModelToken> sample(std::string_view piece, double alpha, uint64_t key, uint64_t counter) const;

private:
    static constexpr uint32_t none = UINT32_MAX;
    // The best way to write the text up to a byte, and the best among those whose last token begins elsewhere.
    struct Best {
        double score = 0, second = 0;
        uint32_t begin = none;
        int32_t id = -1;  // -1: unknown
    };
    struct Edge {
        uint32_t begin, end;
        int32_t id;
        double score;
    };
    struct Word {
        double score;   // of the text up to its end
        double margin;  // the smallest difference to another way; infinite if there is none
        bool has_unknown;
    };
    class Output;

    template <class Visit>
    void for_each_edge(std::string_view text, size_t begin, const Visit& visit) const;
    Word best_way(std::string_view word, double before, std::vector<ModelToken>& out) const;
    bool is_certain(float margin, size_t bytes, double before) const;
    std::vector<Edge> edges_of(std::string_view piece) const;
    std::vector<ModelToken> tokens_of(std::string_view piece, const std::vector<Edge>& reversed) const;
    bool is_unknown(int32_t id) const { return id < 0 || id == unknown_; }
    double rounded(double sum) const { return single_precision_ ? double(float(sum)) : sum; }

    bool single_precision_, byte_fallback_;
    std::optional<int32_t> unknown_;
    std::vector<double> scores_;
    double unknown_score_, largest_score_;
    DoubleArray ids_;    // what is found in text
    DoubleArray names_;  // all names
    std::array<int32_t, 256> id_of_byte_;
    Joints joints_;
    uint32_t owner_;
};

}  // namespace gradus
