#pragma once
// The models of SentencePiece's .model files, so that their ids are SentencePiece's.
//
// The text must be normalized as the file says, and its spaces be U+2581, before it is encoded as one piece.
#include "tokenizer/files/sentencepiece_model.h"
#include "tokenizer/models/bpe_model.h"
#include "tokenizer/models/unigram.h"

namespace gradus {

TokenNames names_of(const SentencePieceModel& model);

struct SentencePieceUnigram {
    parts::Unigram parts;
    UnigramRules rules;
};
// Error: the file is of another algorithm.
SentencePieceUnigram unigram_of(const SentencePieceModel& model);

// Two tokens merge if their texts together are a token; of several pairs the one whose token has the highest score goes
// first. So each way to split a token into two tokens is a merge, and all of one token have the same rank. Cost: the
// bytes of the vocabulary times two look-ups.
//
// Error: the file is of another algorithm, or has unused pieces, which SentencePiece splits again after merging.
struct SentencePieceBpe {
    parts::Bpe parts;
    BpeRules rules;
};
SentencePieceBpe bpe_of(const SentencePieceModel& model);

}  // namespace gradus
