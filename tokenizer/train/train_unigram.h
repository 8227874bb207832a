#pragma once
// Trains a Unigram language model by expectation maximization and pruning.
//
// Seeds: the characters of the words, and the substrings that occur at least twice and would occur less often if they
// were longer, those with the most characters in the corpus first. Then, until the vocabulary is small enough:
//   twice   E: how often each token is expected in the words, over all ways to write them, by its present score
//           M: tokens expected less than 0.5 times are dropped; score = digamma(expected) - digamma(sum of expected)
//   once    the tokens whose loss would lower the likelihood least are dropped: all but `shrinking_factor`, or as many as
//           1.1 · vocab_size leaves; a character is never dropped
// At last the tokens with the highest scores and all characters are the vocabulary.
//
// As SentencePiece's, except that seeds count the words' frequencies; the vocabularies agree only roughly. The result
// depends only on the words and their counts. Cost: memory and time proportional to the distinct words.
// Source: Kudo 2018 (arXiv:1804.10959); sentencepiece's unigram_model_trainer.cc.
#include <cstdint>
#include <string>
#include <vector>

#include "tokenizer/models/token_names.h"
#include "tokenizer/parts/model.h"
#include "tokenizer/piece_counter.h"

namespace gradus {

struct UnigramTraining {
    int32_t vocab_size = 8000;
    std::vector<std::string> specials = {"<unk>"};  // the first ids; the first one is the unknown token
    size_t seeds = 1'000'000;
    size_t max_token_chars = 16;
    double shrinking_factor = 0.75;
};

struct TrainedUnigram {
    parts::Unigram parts;
    TokenNames names;
};

// The words are pieces of a corpus, as the pre-tokenizer splits it; those that are not UTF-8 are skipped. The
// vocabulary is smaller than requested if the words have too few substrings. Error: no words, or a vocabulary too small
// for the characters and specials.
TrainedUnigram train_unigram(const std::vector<PieceCounter::Piece>& words, const UnigramTraining& training);

}  // namespace gradus
