#pragma once
// What a tokenizer is made of, as plain data: loaders and trainers produce it, savers and models read it.
#include <cstdint>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace gradus {

enum class TokenizerKind {
    byte_level_bpe,  // GPT-2's pattern, then merges of bytes
    characters,      // a token for each code point
};

// The tokens `left` and `right`, next to each other in a piece, become `result`. The place in the list is the rank.
struct Merge {
    int32_t left, right, result;
};

struct TokenizerParts {
    TokenizerKind kind = TokenizerKind::byte_level_bpe;
    Vocabulary vocabulary;
    std::vector<Merge> merges;  // byte_level_bpe only
    std::vector<int32_t>
        opening;                 // special tokens that the post-processor puts before a text; encode() leaves them out
    bool ignore_merges = false;  // a piece that is a token becomes it at once, even when the merges lead elsewhere
};

}  // namespace gradus
