#pragma once
// The parts of a tokenizer as plain data: loaders and trainers produce them, savers and models read them.
#include <cstdint>
#include <vector>

#include "tokenizer/parts/model.h"
#include "tokenizer/scan/scan.h"
#include "tokenizer/vocabulary.h"

namespace gradus {

using parts::Merge;

enum class TokenizerKind {
    byte_level_bpe,  // a pattern, then merges of bytes
    characters,      // one token per code point
};

struct TokenizerParts {
    TokenizerKind kind = TokenizerKind::byte_level_bpe;
    KnownPattern pattern = KnownPattern::gpt2;  // byte_level_bpe only
    Vocabulary vocabulary;
    std::vector<Merge> merges;     // byte_level_bpe only
    std::vector<int32_t> opening;  // special tokens that the post-processor puts before a text; encode() omits them
    bool ignore_merges = false;    // a piece that is a token becomes that token, even if the merges give another result
};

}  // namespace gradus
